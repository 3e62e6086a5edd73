/** Threads within threads, on the real service. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Item, ThreadHandle } from '../../src/client/index.ts';
import type { AgentTool, SubThreadStatus, ThreadEvent } from '../../src/contract/index.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_AGENT_MAX_ACTIVE: '2' } });
});
afterAll(async () => {
  await environment.close();
});

type AgentCall = Extract<Item, { type: 'collabAgentToolCall' }>;

async function callsOf(thread: ThreadHandle, tool: AgentTool): Promise<AgentCall[]> {
  return (await itemsOf(thread, 'collabAgentToolCall')).filter((item) => item.tool === tool);
}

function child(thread: ThreadHandle, ...numbers: number[]): ThreadHandle {
  return environment.bobbin.threads.get([thread.threadId, ...numbers].join('/'));
}

async function waitForStatus(thread: ThreadHandle, threadId: string, status: SubThreadStatus): Promise<void> {
  await waitForEvent(
    thread,
    'subThread/updated',
    ({ subThread }) => subThread.threadId === threadId && subThread.status === status,
  );
}

describe('an agent that is spawned', () => {
  test('works as a separate thread, and the parent that waits for it is told of its end once', async () => {
    const thread = await environment.start();
    const end = await runTurn(thread, 'spawn: run: echo deed > deed.txt\nrun: echo parent\ncall: wait_agent {}');
    expect(end.status).toBe('completed');
    expect(readFileSync(join(environment.cwd, 'deed.txt'), 'utf8')).toBe('deed\n');
    expect((await thread.view()).subThreads).toMatchObject([
      { threadId: `${thread.threadId}/1`, role: 'agent', status: 'completed' },
    ]);
    expect(await child(thread, 1).view()).toMatchObject({ status: 'idle', turnCount: 1 });
    const [spawned] = await callsOf(thread, 'spawn_agent');
    expect(spawned).toMatchObject({ status: 'completed', receiverThreadIds: [`${thread.threadId}/1`] });
    const [waited] = await callsOf(thread, 'wait_agent');
    expect(JSON.parse(waited?.output ?? '')).toMatchObject({ timed_out: false, agents: [{ status: 'completed' }] });
    await runTurn(thread, 'say: and on');
    expect(await itemsOf(thread, 'subAgentNotification')).toEqual([]);
  });

  test('is told of once in the next turn where nobody waited for it', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: say: from below\nrun: true');
    await waitForStatus(thread, `${thread.threadId}/1`, 'completed');
    await runTurn(thread, 'say: one');
    await runTurn(thread, 'say: two');
    const told = await itemsOf(thread, 'subAgentNotification');
    expect(told).toMatchObject([{ threadId: `${thread.threadId}/1`, status: 'completed' }]);
    expect(told[0]?.text).toContain('from below');
  });

  test('takes further tasks and messages, and is closed with a word about what it was', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: say: first\ncall: wait_agent {}');
    const name = (await thread.view()).subThreads[0]?.name ?? '';
    const target = (more: object) => JSON.stringify({ target: name, ...more });
    await runTurn(thread, `call: followup_task ${target({ message: 'say: second' })}\ncall: wait_agent {}`);
    expect((await child(thread, 1).view()).turnCount).toBe(2);
    await runTurn(
      thread,
      `call: send_message ${target({ message: 'mind the gap' })}\ncall: followup_task ${target({ message: 'say: third' })}\ncall: wait_agent {}`,
    );
    expect(await itemsOf(child(thread, 1), 'subAgentNotification')).toMatchObject([
      { threadId: thread.threadId, status: 'message', text: 'mind the gap' },
    ]);
    await runTurn(thread, `call: list_agents {}\ncall: close_agent ${target({})}`);
    expect((await callsOf(thread, 'list_agents'))[0]?.output).toContain(`"task_name":"${name}"`);
    expect((await callsOf(thread, 'close_agent'))[0]?.output).toContain('"previous_status":"completed"');
    await waitForStatus(thread, `${thread.threadId}/1`, 'shutdown');
    await runTurn(thread, `call: followup_task ${target({ message: 'say: too late' })}`);
    expect((await callsOf(thread, 'followup_task')).at(-1)).toMatchObject({ status: 'failed' });
  });

  test('may not be deeper than allowed, and the tool is not offered there', async () => {
    const thread = await environment.start();
    await runTurn(
      thread,
      'spawn: spawn: call: spawn_agent {"task_name": "x", "message": "say: no"}\ncall: wait_agent {}',
    );
    await waitForStatus(child(thread, 1), `${thread.threadId}/1/1`, 'completed');
    const [refused] = await callsOf(child(thread, 1, 1), 'spawn_agent');
    expect(refused).toMatchObject({ status: 'failed', output: expect.stringContaining('depth limit') as string });
  });

  test('takes a slot while it is at work, and gives it back when it is killed from outside', async () => {
    const thread = await environment.start();
    const spawn = 'parallel: true\nspawn: run: sleep 60';
    await runTurn(thread, `${spawn}\n${spawn}\n${spawn}`);
    const spawned = await callsOf(thread, 'spawn_agent');
    expect(spawned.map(({ status }) => status)).toEqual(['completed', 'completed', 'failed']);
    expect(spawned[2]?.output).toContain('Agent limit reached');
    await environment.bobbin.service.client.workflow.getHandle(child(thread, 1).workflowId).terminate('by an operator');
    await waitForStatus(thread, `${thread.threadId}/1`, 'notFound');
    await runTurn(thread, 'spawn: say: there is room again');
    expect((await callsOf(thread, 'spawn_agent')).at(-1)).toMatchObject({ status: 'completed' });
    await thread.close();
  });
});

describe('what is said of an agent', () => {
  test('is taken from the agent itself and from nobody else', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: say: mine\ncall: wait_agent {}');
    const other = await environment.start();
    const whole = await runTurn(thread, 'say: and on');
    const turn = { ...whole, turnId: 'task', lastAgentMessage: 'not mine' };
    await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).signal('subThreadReport', {
      threadId: other.threadId,
      report: { type: 'turnCompleted', turn },
    });
    expect(await waitForEvent(thread, 'message/rejected')).toMatchObject({
      message: 'subThreadReport',
      code: 'notAChild',
      id: other.threadId,
    });
    expect((await thread.view()).subThreads).toMatchObject([{ status: 'completed' }]);
    await runTurn(thread, 'say: and on');
    expect(await itemsOf(thread, 'subAgentNotification')).toEqual([]);
  });

  test('names it apart from others that were given the same name', async () => {
    const thread = await environment.start();
    const spawn = 'call: spawn_agent {"task_name": "helper", "message": "say: done"}';
    await runTurn(thread, `${spawn}\ncall: wait_agent {}\n${spawn}\ncall: wait_agent {"targets": ["helper-2"]}`);
    expect((await thread.view()).subThreads.map(({ name }) => name)).toEqual(['helper', 'helper-2']);
  });
});

describe('a wait for agents', () => {
  test('ends when the turn is steered', async () => {
    const thread = await environment.start();
    const waiting = turn('spawn: run: sleep 60\ncall: wait_agent {"timeout_ms": 300000}');
    await thread.submit(waiting);
    await waitForEvent(
      thread,
      'item/started',
      ({ item }) => item.type === 'collabAgentToolCall' && item.tool === 'wait_agent',
    );
    await thread.steer({ expectedTurnId: waiting.turnId, input: [{ type: 'text', text: 'say: never mind' }] });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'completed' });
    expect((await callsOf(thread, 'wait_agent'))[0]?.output).toContain('Wait interrupted by new input.');
    await thread.close();
  });
});

describe('a request of a descendant', () => {
  test('is open at the root with its path, and the answer given there reaches the thread that asked', async () => {
    const thread = await environment.start();
    const waiting = turn('spawn: spawn: escalate: echo allowed > allowed.txt\ncall: wait_agent {}');
    await thread.submit(waiting);
    const request = await waitForRequest(thread);
    const asker = `${thread.threadId}/1/1`;
    expect(request).toMatchObject({
      type: 'commandExecution',
      origin: { threadId: asker, path: [`${thread.threadId}/1`, asker], answered: false },
    });
    expect((await child(thread, 1).view()).openRequests).toMatchObject([{ requestId: request.requestId }]);
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    await expect(thread.resolve({ requestId: request.requestId, decision: 'decline' })).rejects.toMatchObject({
      code: 'requestNotOpen',
    });
    await waitForStatus(child(thread, 1), asker, 'completed');
    expect(readFileSync(join(environment.cwd, 'allowed.txt'), 'utf8')).toBe('allowed\n');
    const events: ThreadEvent[] = await eventsSoFar(thread);
    expect(events.filter(({ type }) => type === 'serverRequest/resolved')).toMatchObject([
      { requestId: request.requestId, decision: 'accept', by: 'person' },
    ]);
    expect((await thread.view()).openRequests).toEqual([]);
  });

  test('is withdrawn everywhere when the thread that asked is closed', async () => {
    const thread = await environment.start();
    await thread.submit(turn('spawn: escalate: true\nrun: true'));
    const request = await waitForRequest(thread);
    await child(thread, 1).close();
    const resolved = await waitForEvent(thread, 'serverRequest/resolved');
    expect(resolved).toMatchObject({ requestId: request.requestId, decision: 'cancel', by: 'abort' });
    await waitForStatus(thread, `${thread.threadId}/1`, 'shutdown');
  });
});

describe('the end of a parent', () => {
  test('an interrupt reaches every descendant, and waits for the agents at work', async () => {
    const thread = await environment.start();
    const hold = (name: string) => `run: echo ready > ${name}.ready; exec sleep 300`;
    const waiting = turn(`spawn: spawn: ${hold('deep')}\nspawn: ${hold('near')}\nrun: exec sleep 300`);
    await thread.submit(waiting);
    const [near, deep] = [child(thread, 2), child(thread, 1, 1)];
    for (const name of ['deep', 'near']) await fileAppears(join(environment.cwd, `${name}.ready`));
    await waitForStatus(thread, child(thread, 1).threadId, 'completed');
    await thread.interrupt();
    expect(await thread.completion(waiting.turnId)).toMatchObject({
      status: 'aborted',
      reason: 'interrupted',
      quiescent: true,
    });
    expect((await thread.view()).subThreads).toMatchObject([{ status: 'completed' }, { status: 'interrupted' }]);
    expect(await itemsOf(near, 'commandExecution')).toMatchObject([{ status: 'aborted' }]);
    const { turn: end } = await waitForEvent(deep, 'turn/completed');
    expect(end).toMatchObject({ status: 'aborted', reason: 'interrupted', quiescent: true });
    expect(await runTurn(thread, 'spawn: say: again\ncall: wait_agent {}')).toMatchObject({ status: 'completed' });
  });

  test('closing it closes every descendant', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'spawn: spawn: say: deep\ncall: wait_agent {}');
    await waitForStatus(child(thread, 1), `${thread.threadId}/1/1`, 'completed');
    await thread.close({ reason: 'enough' });
    const { workflow } = environment.bobbin.service.client;
    for (const one of [thread, child(thread, 1), child(thread, 1, 1)])
      expect(await workflow.getHandle(one.workflowId).result()).toMatchObject({ status: 'closed' });
  });

  test('an agent whose parent was killed from outside closes itself once it has something to say', async () => {
    const thread = await environment.start();
    await thread.submit(turn('spawn: run: until [ -e orphaned ]; do sleep 0.05; done\nrun: sleep 60'));
    await waitForStatus(thread, `${thread.threadId}/1`, 'running');
    const { workflow } = environment.bobbin.service.client;
    await workflow.getHandle(thread.workflowId).terminate('by an operator');
    writeFileSync(join(environment.cwd, 'orphaned'), '');
    expect(await workflow.getHandle(child(thread, 1).workflowId).result()).toMatchObject({
      status: 'closed',
      reason: 'its parent thread is gone',
    });
  });
});

describe('a parent that continues as new', () => {
  test('loses no agent, no request and no end of one', async () => {
    await using small = await openSmall();
    const thread = await small.environment.start();
    const waiting = turn('spawn: escalate: true\nspawn: run: sleep 60\ncall: wait_agent {"timeout_ms": 300000}');
    await thread.submit(waiting);
    const request = await waitForRequest(thread);
    for (let n = 0; (await thread.view()).runCount < 3; n++)
      await runTurn(thread, 'true', { kind: 'user_shell', turnId: `beside-${n}` });
    await thread.resolve({ requestId: request.requestId, decision: 'accept' });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'completed' });
    const other = `${thread.threadId}/2`;
    await small.environment.bobbin.service.client.workflow.getHandle(`thread/${other}`).terminate('by an operator');
    await waitForStatus(thread, other, 'notFound');
    expect((await thread.view()).subThreads.map(({ status }) => status)).toEqual(['completed', 'notFound']);
    await thread.close();
  });
});

async function fileAppears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function openSmall() {
  const opened = await openEnvironment({ env: { BOBBIN_CONTINUE_AFTER_EVENTS: '30' } });
  return { environment: opened, [Symbol.asyncDispose]: () => opened.close() };
}
