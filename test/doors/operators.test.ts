/** Every message of docs/operators.md, sent as it stands there by the real Temporal CLI; each is seen to do what the page says. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import {
  type TestEnvironment,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/operators.md'), 'utf8');
/** By what stands behind `json`: the name of the message, and a word for which one. */
const MESSAGES = new Map(
  [...page.matchAll(/^```json ([^\n]+)\n([\s\S]*?)^```$/gm)].map(([, title = '', json = '']) => [title, json]),
);

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' } });
});
afterAll(() => environment.close());

const tried = new Set<string>();

async function temporal(thread: ThreadHandle, command: string[], title: string, ids: Record<string, string>) {
  tried.add(title);
  const { address, binary } = inject('temporal');
  const [name = ''] = title.split(' ');
  let input = MESSAGES.get(title) ?? '';
  for (const [from, to] of Object.entries(ids)) input = input.replace(`"${from}"`, `"${to}"`);
  const where = ['--address', address, '--workflow-id', thread.workflowId, '--name', name, '--input', input];
  await promisify(execFile)(binary, ['workflow', ...command, ...where]);
}

const signal = (thread: ThreadHandle, title: string, ids: Record<string, string> = {}) =>
  temporal(thread, ['signal'], title, ids);

/** A thread whose turn runs until somebody stops it. */
async function startBusy(turnId: string): Promise<ThreadHandle> {
  const thread = await environment.start();
  await thread.submit(turn('run: sleep 1000', { turnId }));
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
  return thread;
}

describe('what the page for the person on call says to send', () => {
  it('answers a request', async () => {
    const thread = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('run: touch by-hand.txt');
    await thread.submit(asking);
    const { requestId } = await waitForRequest(thread);
    await signal(thread, 'resolveRequest', { req_2: requestId });
    expect(await thread.completion(asking.turnId)).toMatchObject({ status: 'completed' });
    expect(readFileSync(join(environment.cwd, 'by-hand.txt'), 'utf8')).toBe('');
  });

  it('answers a question', async () => {
    const thread = await environment.start();
    const asking = turn('ask: Which one?');
    await thread.submit(asking);
    const request = await waitForRequest(thread);
    const id = request.type === 'userInput' ? (request.questions[0]?.id ?? '') : '';
    await signal(thread, 'resolveRequest question', { req_2: request.requestId, q1: id });
    await thread.completion(asking.turnId);
    expect(JSON.stringify(await eventsSoFar(thread))).toContain('the second one');
  });

  it('starts turns and commands, and tells agents something', async () => {
    const thread = await environment.start();
    await signal(thread, 'submitTurn');
    expect(await thread.completion('from-the-person-on-call-1')).toMatchObject({ status: 'completed' });
    await signal(thread, 'submitTurn command');
    expect(await thread.completion('look-1')).toMatchObject({ status: 'completed' });
    await signal(thread, 'agentMessage');
    await runTurn(thread, 'say: go on');
    expect(JSON.stringify(environment.model.requests)).toContain('The tests need a database.');
  });

  it('steers, interrupts, and changes the queue', async () => {
    const thread = await startBusy('active-1');
    for (const turnId of ['waiting-1', 'waiting-2']) {
      await thread.submit(turn(`say: ${turnId}`, { turnId, onBusy: 'queue' }));
    }
    const queue = async () => (await thread.view()).queuedTurns.map(({ turnId, text }) => `${turnId} ${text}`);
    await signal(thread, 'editQueue move');
    expect(await queue()).toEqual(['waiting-2 say: waiting-2', 'waiting-1 say: waiting-1']);
    await signal(thread, 'editQueue edit');
    expect((await queue())[1]).toBe('waiting-1 say: something else');
    await signal(thread, 'editQueue drop');
    expect(await queue()).toEqual(['waiting-2 say: waiting-2']);
    await temporal(thread, ['update', 'execute'], 'steerTurn', {});
    await waitForEvent(thread, 'turn/steered', ({ turnId }) => turnId === 'active-1');
    await signal(thread, 'interruptTurn');
    expect(await thread.completion('active-1')).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    expect(await thread.completion('waiting-2')).toMatchObject({ status: 'completed' });
  });

  it('rolls back, and closes', async () => {
    const thread = await environment.start();
    await runTurn(thread, 'say: hi');
    await signal(thread, 'rollbackTurns');
    await waitForEvent(thread, 'thread/rolledBack');
    await signal(thread, 'closeThread');
    expect(await waitForEvent(thread, 'thread/closed')).toMatchObject({ reason: 'no longer needed' });
  });

  it('was sent by these tests, every message of it', () => {
    expect(MESSAGES.size).toBeGreaterThan(10);
    expect([...MESSAGES.keys()].filter((title) => !tried.has(title))).toEqual([]);
  });
});
