/** The package of the client, as it is published: packed, unpacked into another project, and used from there. */
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

const root = join(import.meta.dirname, '../..');
const project = mkdtempSync(join(tmpdir(), 'bobbin-client-'));
const installed = join(project, 'node_modules', 'bobbin-client');
let tarball: string;
/** Programs that use the package run with another Node, too, if one is named. */
const node = process.env['OTHER_NODE'] ?? process.execPath;

beforeAll(() => {
  if (process.env['BOBBIN_TEST_BUILT'] !== '1') execFileSync('npm', ['run', 'build', '--silent'], { cwd: root });
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination', project, join(root, 'dist', 'client')];
  tarball = join(project, execFileSync('npm', pack, { encoding: 'utf8' }).trim());
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  for (const name of ['zod', '@types/node', 'undici-types']) {
    const link = join(project, 'node_modules', name);
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
  writeFileSync(join(project, 'package.json'), '{ "name": "consumer", "type": "module" }');
}, 180_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the package of the client', () => {
  it('needs only zod, and has no native part and no script', () => {
    const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Record<string, unknown>;
    expect(Object.keys(manifest['dependencies'] as object)).toEqual(['zod']);
    expect(manifest['scripts']).toBeUndefined();
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.(node|wasm|so)$/.test(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'THIRD-PARTY-LICENSES.txt']));
  });

  it('is found with its types by every kind of import', async () => {
    const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages).toEqual([]);
    const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
    // Without `exports`, which Node has known since version 12, only the main entry could be found.
    const problems = checked.types === false ? ['no types'] : checked.problems;
    expect(problems.filter((one) => typeof one === 'string' || !JSON.stringify(one).includes('node10'))).toEqual([]);
  });

  it.each([
    {
      moduleResolution: 'nodenext',
      module: 'nodenext',
      compiler: 'typescript-7',
      files: ['consumer.mts', 'consumer.cts'],
    },
    { moduleResolution: 'node16', module: 'node16', compiler: 'typescript', files: ['consumer.mts', 'consumer.cts'] },
    { moduleResolution: 'bundler', module: 'esnext', compiler: 'typescript-7', files: ['consumer.ts'] },
  ])('type checks under $moduleResolution, libraries included', ({ module, moduleResolution, compiler, files }) => {
    for (const file of files) writeFileSync(join(project, file), CONSUMER);
    const flags = ['--strict', '--exactOptionalPropertyTypes', '--noEmit', '--target', 'es2023', '--types', 'node'];
    const tsc = [join(root, 'node_modules', compiler, 'bin', 'tsc'), ...flags];
    const args = [...tsc, '--module', module, '--moduleResolution', moduleResolution, ...files];
    const { stdout, status } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  });
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
    const { stdout, stderr } = await promisify(execFile)(node, [file], { cwd: project, timeout: 60_000 });
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^pong\n[^]*\nserviceUnavailable true\n$/);
  });
});

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
