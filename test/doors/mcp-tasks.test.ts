/** Turns as tasks of MCP, with the official package for tasks. A task outlives every server that is asked about it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client, InMemoryTransport } from '@modelcontextprotocol/client';
import {
  type RawClientDispatch,
  type TaskEnabledSession,
  createTaskSessionFromClient,
} from '@modelcontextprotocol/ext-tasks/client';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createMcpServer } from '../../src/interfaces/mcp/server.ts';
import { type TestEnvironment, openEnvironment, turn, waitForEvent, waitForRequest } from '../environment.ts';
import { CLIENT_INFO, TASK_CAPABILITIES, startRawMcp } from '../parts/mcp-client.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one();
});

type Raw = ReturnType<typeof startRawMcp>;

/** A server of its own process, and a session of the official client of tasks with it. */
async function open(onInputRequest?: () => unknown): Promise<{ raw: Raw; session: TaskEnabledSession }> {
  const raw = startRawMcp(environment.env, environment.cwd);
  cleanUp.push(() => (raw.child.kill('SIGKILL'), raw.ended));
  const dispatch: RawClientDispatch = async (request) => {
    const { method, params } = request as { method: string; params: object };
    const { result, error } = await raw.ask(method, params);
    return (error === undefined ? { kind: 'result', result } : { kind: 'error', error }) as Awaited<
      ReturnType<RawClientDispatch>
    >;
  };
  const client = new Client(CLIENT_INFO, {
    versionNegotiation: { mode: { pin: '2026-07-28' } },
    capabilities: TASK_CAPABILITIES,
  });
  const [near, far] = InMemoryTransport.createLinkedPair();
  // Between processes a message is JSON.
  const send = far.send.bind(far);
  far.send = (message, options) => send(JSON.parse(JSON.stringify(message)) as typeof message, options);
  // The session learns from it what the server can do; all that it asks goes to the process.
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
  const access = {
    bobbin: environment.bobbin,
    rights: { scopes: ['admin' as const], owner: null },
    workspace: { cwd: environment.cwd },
  };
  serveStdio(() => createMcpServer({ ...access, onError: () => undefined }), { transport: far });
  await client.connect(near);
  const session = createTaskSessionFromClient(client, {
    endpointId: 'bobbin',
    rawDispatch: dispatch,
    v2RequestFraming: { protocolVersion: '2026-07-28', clientInfo: CLIENT_INFO, clientCapabilities: TASK_CAPABILITIES },
    ...(onInputRequest === undefined ? {} : { onInputRequest: () => Promise.resolve(onInputRequest() as never) }),
  });
  cleanUp.push(
    () => session.close(),
    () => client.close(),
  );
  return { raw, session };
}

const FREE = { sandbox: 'danger-full-access', approvalPolicy: 'never' };

it('a task is found again by a client that comes back to another server, and has its result', async () => {
  const first = await open();
  const task = 'run: while [ ! -e go-task ]; do sleep 0.05; done; echo done';
  const execution = await first.session.callTool('start_thread', { task, ...FREE });
  if (execution.kind !== 'task') throw new Error('no task');
  const reference = execution.serializeReference();
  const [threadId = ''] = execution.handle.taskId.split('#');
  const thread = environment.bobbin.threads.get(threadId);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  first.raw.child.kill('SIGKILL');

  const second = await open();
  const again = await second.session.resumeTask(reference);
  await thread.submit(turn('touch go-task', { kind: 'user_shell' }));
  const { outcome } = await again.settle();
  expect(outcome).toMatchObject({
    status: 'completed',
    result: { structuredContent: { status: 'completed', threadId } },
  });
  // And a third time, when it has ended long ago.
  const { outcome: late } = await (await (await open()).session.resumeTask(reference)).settle();
  expect(late).toMatchObject({ status: 'completed' });
});

it('a task asks the client for its person, and goes on with the answer', async () => {
  const asked: number[] = [];
  const { session } = await open(() => {
    asked.push(1);
    return { action: 'accept', content: { decision: 'accept' } };
  });
  const execution = await session.callTool('start_thread', { task: 'run: touch by-task', approvalPolicy: 'untrusted' });
  expect((await execution.settle()).outcome).toMatchObject({ status: 'completed' });
  expect(asked).toHaveLength(1);
  expect(existsSync(join(environment.cwd, 'by-task'))).toBe(true);
});

it('a task that is cancelled stops, and one that has ended stays as it is', async () => {
  const { raw, session } = await open();
  const execution = await session.callTool('start_thread', { task: 'run: sleep 60', ...FREE });
  if (execution.kind !== 'task') throw new Error('no task');
  const { taskId } = execution.handle;
  const thread = environment.bobbin.threads.get(taskId.split('#')[0] ?? '');
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  expect(await raw.ask('tasks/get', { taskId })).toMatchObject({
    result: { status: 'working', statusMessage: expect.stringContaining('sleep 60') as string },
  });
  await execution.cancel();
  expect((await thread.completion(taskId.split('#')[1] ?? '')).status).toBe('aborted');
  expect(await raw.ask('tasks/get', { taskId })).toMatchObject({ result: { status: 'cancelled' } });
  for (const _ of [1, 2]) expect((await raw.ask('tasks/cancel', { taskId })).error).toBeUndefined();
  expect(await raw.ask('tasks/get', { taskId })).toMatchObject({ result: { status: 'cancelled' } });
  // A late answer to a request that is gone, and one to a request that never was.
  const inputResponses = { req_1: { action: 'accept', content: { decision: 'accept' } }, never: 7 };
  expect((await raw.ask('tasks/update', { taskId, inputResponses })).error).toBeUndefined();
  expect((await thread.view()).status).toBe('idle');
});

it('a client that may only read cancels and answers nothing', async () => {
  const raw = startRawMcp(environment.env, environment.cwd, ['--scope', 'read']);
  cleanUp.push(() => (raw.child.kill('SIGKILL'), raw.ended));
  const thread = await environment.start({ approvalPolicy: 'untrusted' });
  const submitted = turn('run: touch not-by-reading');
  await thread.submit(submitted);
  const { requestId } = await waitForRequest(thread);
  const taskId = `${thread.threadId}#${submitted.turnId}`;
  const inputResponses = { [requestId]: { action: 'accept', content: { decision: 'accept' } } };
  for (const method of ['tasks/cancel', 'tasks/update'])
    expect((await raw.ask(method, { taskId, inputResponses })).error?.message).toContain('scopeMissing');
  expect(await raw.ask('tasks/get', { taskId })).toMatchObject({ result: { status: 'working' } });
  expect((await thread.view()).openRequests).toHaveLength(1);
});

it('names a task that is none', async () => {
  const { raw } = await open();
  const { threadId } = await environment.start();
  for (const taskId of ['', 'nobody', 'nobody#t', '#', 'a#b#c', `${threadId}#never`, `../x#${'y'.repeat(300)}`])
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      const { error, result } = await raw.ask(method, { taskId, inputResponses: {} });
      // A turn that never was has nothing to cancel and nothing to answer.
      if (taskId.startsWith(threadId) && method !== 'tasks/get')
        expect([error, result]).toEqual([undefined, expect.anything()]);
      else expect([taskId, method, error?.code]).toEqual([taskId, method, -32602]);
    }
});
