/** What a person on call does with `temporal workflow reset`: what it repeats, what it leaves, and that the thread stays whole. */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { SubmitTurn, ThreadEvent } from '../../src/contract/index.ts';
import { lastAsked } from '../parts/model-requests.ts';
import {
  type TestEnvironment,
  closeThread,
  eventsSoFar,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
} from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_CONTINUE_AFTER_EVENTS: '260' } });
});
afterAll(() => environment.close());

const handleOf = ({ workflowId }: ThreadHandle, runId?: string) =>
  environment.bobbin.service.client.workflow.getHandle(workflowId, runId);

const runIdOf = async (thread: ThreadHandle) => (await handleOf(thread).describe()).runId;

/** The end of the last workflow task before that turn came: where the thread was when the turn before it had ended. */
async function pointBefore(thread: ThreadHandle, turnId: string, runId?: string): Promise<string> {
  const { events } = await handleOf(thread, runId).fetchHistory();
  const all = events ?? [];
  const came = all.findIndex((event) =>
    (event.workflowExecutionSignaledEventAttributes?.input?.payloads ?? []).some((payload) =>
      Buffer.from(payload.data ?? []).includes(turnId),
    ),
  );
  const point = all.slice(0, came).findLast((event) => event.workflowTaskCompletedEventAttributes);
  return String(point?.eventId);
}

/**
 * Ends a turn before the next one comes: a completion may be known a moment before its workflow task is recorded, and a task that is
 * repeated would end after the signal of the next turn.
 */
async function runToRest(thread: ThreadHandle, given: SubmitTurn): Promise<void> {
  await thread.submit(given);
  await thread.completion(given.turnId);
  const isAtRest = async () => {
    const tasks = ((await handleOf(thread).fetchHistory()).events ?? []).filter(
      (event) => event.workflowTaskScheduledEventAttributes ?? event.workflowTaskCompletedEventAttributes,
    );
    return Boolean(tasks.at(-1)?.workflowTaskCompletedEventAttributes);
  };
  await expect.poll(isAtRest).toBe(true);
}

async function reset({ workflowId }: ThreadHandle, eventId: string, ...more: string[]): Promise<void> {
  const { address, binary } = inject('temporal');
  const where = ['--address', address, '--workflow-id', workflowId];
  const args = ['workflow', 'reset', ...where, '--event-id', eventId, '--reason', 'a test', ...more];
  await promisify(execFile)(binary, args);
}

const linesOf = (name: string) => readFileSync(join(environment.cwd, name), 'utf8').trim().split('\n');

function expectGapless(events: ThreadEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
}

const endedTurns = (events: ThreadEvent[]) =>
  events.flatMap((event) => (event.type === 'turn/completed' ? [event.turn.turnId] : []));

describe('a thread that is reset to the end of a turn', () => {
  it('runs the turns after it again, unless their signals are left out; files stay as they are', async () => {
    const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
    const turns = ['one', 'two', 'three'].map((word) => turn(`run: echo ${word} >> again.txt`));
    for (const each of turns) await runToRest(thread, each);
    const [first = '', second = '', third = ''] = turns.map(({ turnId }) => turnId);
    const seqOfFirst = (await eventsSoFar(thread)).find(
      (event) => event.type === 'turn/completed' && event.turn.turnId === first,
    )?.seq;

    await reset(thread, await pointBefore(thread, second), '--reapply-exclude', 'Signal');
    expect(await thread.view()).toMatchObject({ status: 'idle', turnCount: 1, lastSeq: seqOfFirst });
    expect(linesOf('again.txt')).toEqual(['one', 'two', 'three']);
    const next = turn('run: echo four >> again.txt');
    await thread.submit(next);
    await thread.completion(next.turnId);
    const events = await eventsSoFar(thread);
    expectGapless(events);
    expect(endedTurns(events)).toEqual([first, next.turnId]);

    await reset(thread, await pointBefore(thread, next.turnId));
    await expect.poll(async () => (await thread.view()).turnCount, { timeout: 20_000 }).toBe(2);
    expect(linesOf('again.txt')).toEqual(['one', 'two', 'three', 'four', 'four']);
    const again = await closeThread(thread);
    expectGapless(again);
    expect(endedTurns(again)).toEqual([first, next.turnId]);
    expect(endedTurns(again)).not.toContain(third);
  });

  it('stops the command that was running, and takes turns again', async () => {
    const thread = await environment.start({ sandbox: 'danger-full-access', approvalPolicy: 'never' });
    await runTurn(thread, 'say: before');
    const slow = turn('run: echo $$ > pid.txt; exec sleep 1000');
    await thread.submit(slow);
    await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');
    await expect.poll(() => tryRead('pid.txt')).toMatch(/^\d+\n$/);
    const pid = Number(tryRead('pid.txt'));
    await reset(thread, await pointBefore(thread, slow.turnId), '--reapply-exclude', 'Signal');
    await expect.poll(() => isAlive(pid), { timeout: 20_000 }).toBe(false);
    expect(await runTurn(thread, 'run: echo after')).toMatchObject({ status: 'completed' });
    const events = await eventsSoFar(thread);
    expectGapless(events);
    expect(endedTurns(events)).not.toContain(slow.turnId);
  });

  it('in a run before the present one keeps each past to itself, in the archive, too', async () => {
    const thread = await environment.start();
    const first = await runIdOf(thread);
    const words: string[] = [];
    const begin = turn('say: begin');
    await runToRest(thread, begin);
    const old = turn('say: old 0');
    await thread.submit(old);
    await thread.completion(old.turnId);
    for (let n = 1; (await runIdOf(thread)) === first; n++) await runTurn(thread, `say: old ${n}`);
    const before = await eventsSoFar(thread);

    await reset(thread, await pointBefore(thread, old.turnId, first), '--run-id', first, '--reapply-exclude', 'Signal');
    const second = await runIdOf(thread);
    for (let n = 0; (await runIdOf(thread)) === second; n++) {
      await runTurn(thread, `say: new ${n}`);
      words.push(`new ${n}`);
    }
    const events = await eventsSoFar(thread);
    expectGapless(events);
    const said = events.flatMap((event) =>
      event.type === 'item/completed' && event.item.type === 'agentMessage' ? [event.item.text.split('\n')[0]] : [],
    );
    const archived = readdirSync(join(environment.data, 'archive')).filter((file) => file.includes(thread.threadId));
    expect(archived.length).toBeGreaterThanOrEqual(2);
    expect(said).toEqual(['begin', ...words]);
    expect(JSON.stringify(lastAsked(environment.model, thread.threadId))).not.toContain('say: old');
    // Both went through the archive, of about the same length: a reset makes a few events, and a turn may come before the next run has begun.
    expect(Math.abs(events.length - before.length)).toBeLessThan(before.length / 3);
    expect((await thread.view()).runCount).toBe(2);
  });
});

function tryRead(name: string): string {
  try {
    return readFileSync(join(environment.cwd, name), 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
