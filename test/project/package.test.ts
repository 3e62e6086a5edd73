/** The package as it is published, used by `import` and `require`. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type TestEnvironment, itemsOf, openEnvironment, turn } from '../environment.ts';
import manifest from '../../package.json' with { type: 'json' };
import { installPackage, programNode, testItsTypes } from './installed-package.ts';

const own = installPackage('bobbin', { from: '.', needs: Object.keys(manifest.dependencies) });
const { project, installed } = own;

const CONSUMER = `
import { type OwnProvider, type OwnSandbox, type RunningWorker, Failure, defineTask, defineTool, startWorker } from 'bobbin/worker';
import { loadWorkflowBundle, payloadConverterPath } from 'bobbin/workflows';
import { connectBobbin } from 'bobbin/client';
import { z } from 'zod';
const tool = defineTool({
  name: 'times',
  description: 'Multiplies.',
  input: z.object({ a: z.number() }),
  // @ts-expect-error the types of the input are those of the schema
  run: ({ a }, { signal, cwd }) => [a.length, signal.aborted, cwd],
});
const task = defineTask({ name: 't', run: async ({ step }) => (step < 2 ? { type: 'next', state: null } : { type: 'done' }) });
// @ts-expect-error an end has one of two types
defineTask({ name: 't', run: () => ({ type: 'over' }) });
const provider: OwnProvider = async ({ model }, { onText }) => {
  onText(model);
  throw new Failure('modelNotFound', 'none');
};
export async function run(sandbox: OwnSandbox): Promise<{ code: string; path: string }> {
  const worker: RunningWorker = await startWorker({ tools: [tool], tasks: [task], providers: { acme: provider }, sandbox });
  await worker.stop();
  await (await connectBobbin({ connection: {} })).close();
  return { ...(await loadWorkflowBundle()), path: payloadConverterPath() };
}
`;

describe('the package', () => {
  it('runs no script when it is installed, and brings no sources', () => {
    const { scripts } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { scripts: object };
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /(^|\/)(src|workflows|activities|test)\/|(?<!\.d)\.[mc]?ts$/.test(file))).toEqual([]);
  });

  testItsTypes(own, CONSUMER);
});

describe('a program that uses it', () => {
  let environment: TestEnvironment;
  beforeAll(async () => {
    environment = await openEnvironment({ worker: false });
  });
  afterAll(() => environment.close());

  it.each([
    [
      'import',
      'program.mjs',
      `import { defineTask, defineTool, startWorker } from 'bobbin/worker';
import { connectBobbin } from 'bobbin/client';
import { z } from 'zod';`,
    ],
    [
      'require',
      'program.cjs',
      `const { defineTask, defineTool, startWorker } = require('bobbin/worker');
const { connectBobbin } = require('bobbin/client');
const { z } = require('zod');`,
    ],
  ])('by %s is a worker with its own tool and task, without a warning', async (_, file, imported) => {
    const { namespace, address } = inject('temporal');
    const env = { ...environment.env, BOBBIN_IDENTITY_URL: '' };
    const given = { address, namespace, taskQueue: environment.taskQueue, cwd: environment.cwd, env };
    writeFileSync(join(project, file), `${imported}\nmain(${JSON.stringify(given)});\n${PROGRAM}`);
    const { stdout, stderr } = await promisify(execFile)(programNode, [file], { cwd: project, timeout: 90_000 });
    expect(stderr).not.toContain('Warning');
    expect(stdout).toBe('12 times 12 is 144\ncounted 1\n');
  });

  it('replays a history of its threads by the bundle', async () => {
    const worker = await environment.worker();
    const thread = await environment.start();
    const submitted = turn('say: replayed');
    await thread.submit(submitted);
    await thread.completion(submitted.turnId);
    expect(await itemsOf(thread, 'agentMessage')).toHaveLength(1);
    const history = await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).fetchHistory();
    await worker.stop();
    writeFileSync(join(project, 'history.json'), historyToJSON(history));
    writeFileSync(join(project, 'replay.mjs'), REPLAY);
    const run = promisify(execFile)(programNode, ['replay.mjs', thread.workflowId], {
      cwd: project,
      timeout: 90_000,
    });
    expect((await run).stdout).toBe('replayed\n');
  });
});

const PROGRAM = `
async function main({ address, namespace, taskQueue, cwd, env }) {
  const times = defineTool({
    name: 'times',
    description: 'Multiplies two numbers.',
    input: z.object({ a: z.number(), b: z.number() }),
    readOnly: true,
    run: ({ a, b }) => \`\${a} times \${b} is \${a * b}\`,
  });
  const count = defineTask({ name: 'count', run: ({ input }) => ({ type: 'done', message: 'counted ' + input.length }) });
  const worker = await startWorker({ connection: { address }, namespace, taskQueue, tools: [times], tasks: [count], env });
  const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue });
  const thread = await bobbin.threads.start({ workspace: { cwd } });
  const turn = (turnId, more) => thread.submit({ turnId, ...more }).then(() => thread.completion(turnId));
  await turn('calls', { kind: 'regular', input: [{ type: 'text', text: 'call: times {"a": 12, "b": 12}' }] });
  for await (const event of thread.events())
    if (event.type === 'item/completed' && event.item.type === 'mcpToolCall') {
      console.log(event.item.output);
      break;
    }
  console.log((await turn('task', { kind: 'custom', task: 'count', input: [{ type: 'text', text: 'x' }] })).lastAgentMessage);
  await bobbin.close();
  await worker.stop();
}
`;

const REPLAY = `
import { readFileSync } from 'node:fs';
import { Worker, Runtime, DefaultLogger } from '@temporalio/worker';
import { loadWorkflowBundle, payloadConverterPath } from 'bobbin/workflows';
Runtime.install({ logger: new DefaultLogger('ERROR') });
const history = JSON.parse(readFileSync('history.json', 'utf8'));
const dataConverter = { payloadConverterPath: payloadConverterPath() };
await Worker.runReplayHistory({ workflowBundle: await loadWorkflowBundle(), dataConverter }, history, process.argv[2]);
console.log('replayed');
`;
