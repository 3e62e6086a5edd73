/** The package of the client, as it is published. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { installPackage, programNode, testItsTypes } from './installed-package.ts';

const own = installPackage('bobbin-client', { from: 'dist/client', needs: ['zod'] });
const { project, installed } = own;

const CONSUMER = `
import { connectBobbin, type Bobbin, type ThreadEvent, type PartialEvent } from 'bobbin-client';
import { StartThreadSchema, type StartThread } from 'bobbin-client/contract';
export async function run(): Promise<string> {
  const bobbin: Bobbin = await connectBobbin({ connection: { address: 'x:7233', tls: true, apiKey: () => 'key' } });
  const start: StartThread = StartThreadSchema.parse({ threadId: 't', workspace: { cwd: '/' } });
  const thread = await bobbin.threads.start(start);
  for await (const event of thread.events({ partial: true })) {
    const one: ThreadEvent | PartialEvent = event;
    if (one.type === 'item/agentMessage/delta') return one.delta;
    if (one.type === 'turn/completed') return one.turn.status;
  }
  // @ts-expect-error there is no such member, so the types are not \`any\`
  return bobbin.nothing;
}
`;

describe('the package of the client', () => {
  it('needs only zod, and has no native part and no script', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(Object.keys(manifest['dependencies'] as object)).toEqual(['zod']);
    expect(manifest['scripts']).toBeUndefined();
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(node|wasm|so)$/.test(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.txt']));
  });

  testItsTypes(own, CONSUMER);
});

describe('a program that uses it', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await openEnvironment();
  });
  afterAll(() => environment.close());

  it.each([
    ['import', 'program.mjs', `import { connectBobbin, BobbinError } from 'bobbin-client';`],
    ['require', 'program.cjs', `const { connectBobbin, BobbinError } = require('bobbin-client');`],
  ])('by %s runs a turn, and gets an error with its code, without a warning', async (_, file, imported) => {
    const { namespace, address } = inject('temporal');
    const given = { address, namespace, taskQueue: environment.taskQueue, cwd: environment.cwd };
    writeFileSync(join(project, file), `${imported}\nmain(${JSON.stringify(given)});\n${PROGRAM}`);
    const { stdout, stderr } = await promisify(execFile)(programNode, [file], { cwd: project, timeout: 60_000 });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^pong\n[^]*\nserviceUnavailable true\n$/);
  });
});

const PROGRAM = `
async function main({ address, namespace, taskQueue, cwd }) {
  const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue });
  const thread = await bobbin.threads.start({ workspace: { cwd } });
  const turn = { turnId: 'turn', kind: 'regular', input: [{ type: 'text', text: 'say: pong' }] };
  // As many readers as a server has open streams of one thread.
  const readers = Array.from({ length: 30 }, () => thread.completion('turn'));
  await thread.submit(turn);
  const [first] = await Promise.all(readers);
  console.log(first.lastAgentMessage);
  await bobbin.close();
  const failure = await connectBobbin({ connection: { address: '127.0.0.1:1' }, deadlineMs: 1000 }).catch((error) => error);
  console.log(failure.code, failure instanceof BobbinError);
}
`;
