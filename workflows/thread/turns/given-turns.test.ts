/** What the thread above learns of the turns of this one. */
import { describe, expect, it } from 'vitest';
import type { ThreadSettings, TurnCompletion } from '../../../src/contract/index.ts';
import { NO_USAGE } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';

const PARENT = { threadId: 'p', path: ['p'], role: 'agent' as const };

/** An agent at work on its task. */
function agent(settings: Partial<ThreadSettings> = { parent: PARENT }): TestThread {
  const thread = testThread({ approvalPolicy: 'never', ...settings });
  thread.submit(settings.parent?.role === 'review' ? 'review' : 'task');
  return thread;
}

/** Reports of ended turns to the thread above, oldest first. */
function reports(thread: TestThread): TurnCompletion[] {
  return thread.state.outbox.flatMap(({ to, message }) =>
    to === 'p' && message.signal === 'subThreadReport' && message.payload.report.type === 'turnCompleted'
      ? [message.payload.report.turn]
      : [],
  );
}

const inBrief = (thread: TestThread) =>
  reports(thread).map((turn) => [turn.turnId, turn.status === 'aborted' ? turn.reason : turn.status]);

const said = (words: string) => ({ type: 'message' as const, text: words });
const usage = { ...NO_USAGE, totalTokens: 7 };
const answer = (thread: TestThread, words: string) =>
  thread.done('callModel', { type: 'answered', output: [said(words)], usage });

/** The model step that was asked to stop has ended. */
const stop = (thread: TestThread) => thread.end('callModel', { type: 'aborted' }, thread.stopping[0]);

describe('a turn that the thread above gave', () => {
  it('ends for it with the turn that replaces it, whose answer and usage count', () => {
    const thread = agent();
    thread.done('callModel', {
      type: 'answered',
      output: [{ type: 'toolCall', callId: 'c', name: 'update_plan', arguments: '{"plan":[]}' }],
      usage,
    });
    thread.submit('mine', 'rather this');
    stop(thread);
    expect(reports(thread)).toEqual([]);
    thread.submit('better', 'no, this');
    stop(thread);
    expect(thread.completions('mine')).toMatchObject([{ reason: 'replaced' }]);
    expect(reports(thread)).toEqual([]);
    answer(thread, 'done so');
    expect(reports(thread)).toMatchObject([
      { turnId: 'task', status: 'completed', lastAgentMessage: 'done so', usage: { totalTokens: 14 } },
    ]);
    expect(thread.completions('better')).toMatchObject([{ usage: { totalTokens: 7 } }]);
    expect(thread.state).not.toHaveProperty('standIns');
  });

  it('ends for it when the turn that was to replace it is dropped, before or after its end', () => {
    const drop = (thread: TestThread) => thread.dispatch({ type: 'queueEdited', edit: { op: 'drop', turnId: 'mine' } });
    const thread = agent();
    thread.answer(exec('make'));
    const { id } = thread.step('execCommand');
    thread.submit('mine', 'rather this');
    drop(thread);
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(inBrief(thread)).toEqual([
      ['mine', 'interrupted'],
      ['task', 'replaced'],
    ]);
    const other = agent();
    other.answer(exec('make'));
    const step = other.step('execCommand');
    other.submit('mine', 'rather this');
    other.submit('first', 'but first this');
    other.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, step.id);
    expect(other.step('callModel').input.turnId).toBe('first');
    drop(other);
    expect(inBrief(other)).toEqual([['task', 'interrupted']]);
    other.answer('done');
    expect(inBrief(other)).toEqual([
      ['task', 'interrupted'],
      ['first', 'completed'],
    ]);
  });

  it('keeps its end if that was known when another turn came', () => {
    const thread = agent();
    thread.answer('done');
    thread.submit('mine', 'and this');
    thread.answer('that, too');
    expect(inBrief(thread)).toEqual([
      ['task', 'completed'],
      ['mine', 'completed'],
    ]);
  });

  it('has failed for it if it is refused', () => {
    const thread = agent();
    thread.submit('followup-1', 'x'.repeat(300_000), { onBusy: 'queue' });
    thread.submit('followup-2', 'x'.repeat(300_000), { onBusy: 'queue' });
    thread.submit('mine', 'x'.repeat(300_000), { onBusy: 'queue' });
    expect(reports(thread)).toMatchObject([
      { turnId: 'followup-2', status: 'failed', startedAt: null, error: { code: 'tooMuchWaiting' } },
    ]);
    const malformed = {
      type: 'messageRejected',
      message: 'submitTurn',
      code: 'malformed',
      reason: 'no input',
    } as const;
    thread.dispatch({ ...malformed, id: 'followup-3' });
    thread.dispatch({ ...malformed, id: 'followup-1' });
    expect(inBrief(thread).slice(1)).toEqual([['followup-3', 'failed']]);
  });

  it('ends with the active one if the thread above interrupts, and so does what is to answer for one', () => {
    const thread = agent();
    thread.submit('followup-1', 'and that', { onBusy: 'queue' });
    thread.submit('own', 'and this', { onBusy: 'queue' });
    thread.submit('mine', 'rather this');
    thread.dispatch({ type: 'interruptRequested', interrupt: { tree: true, reason: 'enough' } });
    expect(thread.state.queue.map(({ turnId }) => turnId)).toEqual(['own']);
    stop(thread);
    expect(inBrief(thread)).toEqual([
      ['mine', 'interrupted'],
      ['followup-1', 'interrupted'],
      ['task', 'replaced'],
    ]);
    expect(thread.completions('followup-1')).toMatchObject([{ detail: 'enough', startedAt: null, quiescent: true }]);
    expect(thread.step('callModel').input.turnId).toBe('own');
  });

  it('that waits stays if only a turn is interrupted, or in a run that an earlier release began', () => {
    for (const [decisions, interrupt] of [
      [9, {}],
      [9, { tree: true, turnId: 'task' }],
      [8, { tree: true }],
    ] as const) {
      const thread = agent();
      thread.restart({ ...thread.state, decisions });
      thread.submit('followup-1', 'and that', { onBusy: 'queue' });
      thread.dispatch({ type: 'interruptRequested', interrupt });
      stop(thread);
      expect(thread.step('callModel').input.turnId).toBe('followup-1');
    }
  });

  it('is the result of a thread that waits for that alone', () => {
    const thread = agent({ parent: { ...PARENT, role: 'review', reports: 'result' } });
    thread.submit('shell', 'git status', { kind: 'user_shell' });
    answer(thread, '{}');
    const [id] = thread.stopping;
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(thread.types().at(-1)).toBe('thread/closed');
    expect(thread.completions('shell')).toMatchObject([{ status: 'aborted' }]);
    expect(thread.state.newest).toMatchObject({ turnId: 'review', status: 'completed', lastAgentMessage: '{}' });
  });

  it('ends alone in a run that an earlier release began, and one that is refused is not reported', () => {
    const thread = agent();
    thread.restart({ ...thread.state, decisions: 8 });
    thread.submit('mine', 'rather this');
    stop(thread);
    thread.answer('done');
    thread.submit('followup-1', 'x'.repeat(500_000));
    expect(inBrief(thread)).toEqual([
      ['task', 'replaced'],
      ['mine', 'completed'],
    ]);
  });
});
