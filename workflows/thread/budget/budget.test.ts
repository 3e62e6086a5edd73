/** Budgets of one thread: what is counted, when it is checked, and what happens at a limit. */
import { describe, expect, it } from 'vitest';
import type { ApprovalDecision, Budget } from '../../../src/contract/index.ts';
import { toCarryOver } from '../past/carry-over.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';
import { isHeld } from './budget.ts';

const usage = (totalTokens: number) => ({
  inputTokens: totalTokens,
  cachedInputTokens: 0,
  outputTokens: 0,
  reasoningOutputTokens: 0,
  totalTokens,
});

/** The model answers with a call that runs at once, or with text, which ends the turn. */
function answer(thread: TestThread, tokens: number, how: 'call' | 'words', costMicroUsd = 0): void {
  const { id } = thread.step('callModel');
  const call = { type: 'toolCall' as const, callId: `call_${thread.at}`, name: 'update_plan' };
  const plan = JSON.stringify({ plan: [{ step: 'one', status: 'pending' }] });
  const output = how === 'call' ? { ...call, arguments: plan } : { type: 'message' as const, text: 'done' };
  thread.done('callModel', { type: 'answered', output: [output], usage: usage(tokens), costMicroUsd }, id);
}

function decide(thread: TestThread, decision: ApprovalDecision): void {
  const requestId = thread.state.requests[0]?.requestId ?? 'none';
  thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision }, by: 'person' });
}

function fireTimer(thread: TestThread): void {
  const timer = thread.actions('awaitTime').find(({ about }) => about.type === 'budget');
  if (timer === undefined) throw new Error('No timer of a budget runs');
  thread.at = Math.max(thread.at, timer.at);
  thread.dispatch({ type: 'timeCame', id: timer.id, about: timer.about });
}

const budgetTimers = (thread: TestThread) =>
  thread.actions('awaitTime').flatMap(({ about, at }) => (about.type === 'budget' ? [at] : []));

/** Time is as of the newest event. */
function happen(thread: TestThread): void {
  thread.dispatch({ type: 'messageRejected', message: 'x', code: 'malformed', reason: 'x', id: null });
}

const limited = (budget: Budget, more: Parameters<typeof testThread>[0] = {}) => testThread({ budget, ...more });

describe('a limit that is reached', () => {
  it.each([
    [{ turn: { tokens: 20 } }, { scope: 'turn', limit: 'tokens', spent: 25, max: 20, grants: 20 }],
    [{ thread: { steps: 1 } }, { scope: 'thread', limit: 'steps', spent: 1, max: 1, grants: 1 }],
    [
      { tree: { costUsd: 0.00001 } },
      { scope: 'tree', limit: 'costUsd', spent: 0.000012, max: 0.00001, grants: 0.00001 },
    ],
  ] satisfies [Budget, object][])('of %o is asked about before the next model call', (budget, expected) => {
    const thread = limited(budget);
    thread.submit('a');
    answer(thread, 25, 'call', 12);
    expect(thread.state.requests).toMatchObject([
      { type: 'budget', requestId: 'budget_1', turnId: 'a', itemId: null, default: 'decline', ...expected },
    ]);
    expect(thread.types()).toContain('turn/budget/requestApproval');
    expect(thread.steps('callModel')).toEqual([]);
    expect(toThreadView(thread.state).activeTurn?.phase).toEqual({ type: 'waitingForBudget' });
    expect(toThreadView(thread.state).activeFlags).toEqual(['waitingOnApproval']);
  });

  it('stops nothing where the turn needs no further model call', () => {
    const thread = limited({ turn: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'words');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed', usage: { totalTokens: 25 } }]);
    expect(thread.state.requests).toEqual([]);
  });

  it('of a thread stops its next turn before that begins to cost', () => {
    const thread = limited({ thread: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'words');
    thread.submit('b');
    expect(thread.state.requests).toMatchObject([{ scope: 'thread', spent: 25 }]);
    expect(thread.steps('callModel')).toEqual([]);
  });

  it('of a turn begins anew with each turn', () => {
    const thread = limited({ turn: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 15, 'words');
    thread.submit('b');
    answer(thread, 15, 'call');
    expect(thread.steps('callModel')).toHaveLength(1);
  });

  it('allows the same amount again from then on where that is accepted', () => {
    const thread = limited({ turn: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    decide(thread, 'accept');
    answer(thread, 19, 'call');
    expect(thread.state.requests).toEqual([]);
    answer(thread, 1, 'call');
    expect(thread.state.requests).toMatchObject([{ requestId: 'budget_2', spent: 45, max: 45, grants: 20 }]);
  });

  it.each(['decline', 'cancel'] as const)(
    'aborts the turn as budgetLimited on %s, and the model is told',
    (decision) => {
      const thread = limited({ turn: { tokens: 20 } });
      thread.submit('a');
      answer(thread, 25, 'call');
      decide(thread, decision);
      expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'budgetLimited', quiescent: true }]);
      expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'turnAborted' });
      expect(thread.types().filter((type) => type === 'serverRequest/resolved')).toHaveLength(1);
    },
  );

  it('is declined by the deadline', () => {
    const thread = limited({ turn: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    const { id, about } = thread.action('awaitTime');
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.completions('a')).toMatchObject([{ reason: 'budgetLimited' }]);
  });

  it('aborts at once where nobody watches, whatever its policy for approvals', () => {
    const thread = limited({ turn: { tokens: 20 } }, { unattended: { approvals: 'accept' } });
    thread.submit('a');
    answer(thread, 25, 'call');
    expect(thread.completions('a')).toMatchObject([
      { status: 'aborted', reason: 'budgetLimited', detail: expect.stringContaining('20 tokens: 25') as string },
    ]);
    expect(thread.types()).not.toContain('turn/budget/requestApproval');
  });

  it('is asked about one after the other where there are several', () => {
    const thread = limited({ turn: { tokens: 20 }, thread: { steps: 1 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    expect(thread.state.requests).toMatchObject([{ scope: 'turn' }]);
    decide(thread, 'accept');
    expect(thread.state.requests).toMatchObject([{ scope: 'thread' }]);
    decide(thread, 'accept');
    expect(thread.steps('callModel')).toHaveLength(1);
  });

  it('is withdrawn with its turn, and closing the thread leaves none open', () => {
    for (const end of ['interrupt', 'close'] as const) {
      const thread = limited({ turn: { tokens: 20 } });
      thread.submit('a');
      answer(thread, 25, 'call');
      if (end === 'close') thread.dispatch({ type: 'closeRequested', close: {} });
      else thread.dispatch({ type: 'interruptRequested', interrupt: {} });
      expect(thread.state.requests).toEqual([]);
      expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
    }
  });

  it('leaves the person’s own commands alone', () => {
    const thread = limited({ thread: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    thread.submit('shell', 'ls', { kind: 'user_shell' });
    const { id } = thread.step('execCommand');
    thread.done('execCommand', EXITED, id);
    expect(thread.completions('shell')).toMatchObject([{ status: 'completed' }]);
  });
});

describe('the time of a turn', () => {
  it('is limited by a timer; what runs continues, and nothing new begins', () => {
    const thread = limited({ turn: { wallMs: 500 } });
    thread.submit('a');
    thread.answer(exec('ls'), exec('echo > x'));
    const { id } = thread.step('execCommand');
    fireTimer(thread);
    expect(thread.state.requests).toMatchObject([{ scope: 'turn', limit: 'wallMs', max: 500, grants: 500 }]);
    expect(thread.stopping).toEqual([]);
    thread.done('execCommand', EXITED, id);
    expect(thread.steps('execCommand')).toEqual([]);
    decide(thread, 'accept');
    expect(thread.input('execCommand').command).toBe('echo > x');
  });

  it('has the timer of the limit that is reached first', () => {
    const thread = limited({ turn: { wallMs: 500 }, thread: { wallMs: 300 }, tree: { wallMs: 400 } });
    thread.submit('a');
    expect(budgetTimers(thread)).toEqual([thread.at + 300]);
  });

  it('is over for the budget while the last snapshot of the turn is taken', () => {
    const thread = limited({ turn: { wallMs: 500 } }, { snapshots: true });
    thread.submit('a');
    const snapshot = { status: 'taken' as const, commit: 'c0ffee', warnings: [] };
    const call = { type: 'toolCall' as const, callId: 'call-1', name: 'exec_command', arguments: '{"cmd":"make"}' };
    thread.done('callModel', { type: 'answered', output: [call], usage: usage(1), snapshot });
    thread.done('execCommand', EXITED);
    answer(thread, 1, 'words');
    expect(thread.steps('takeSnapshot')).toHaveLength(1);
    expect(budgetTimers(thread)).toEqual([]);
  });

  it('stops what runs, as any abort does, only where more is refused', () => {
    const thread = limited({ turn: { wallMs: 500 } });
    thread.submit('a');
    thread.answer(exec('sleep 9'));
    const { id } = thread.step('execCommand');
    fireTimer(thread);
    decide(thread, 'decline');
    expect(thread.stopping).toEqual([id]);
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'budgetLimited', quiescent: true }]);
  });

  it('stands still while a person is asked for more', () => {
    const thread = limited({ turn: { wallMs: 500 } });
    thread.submit('a');
    fireTimer(thread);
    thread.at += 100_000;
    decide(thread, 'accept');
    expect(thread.state.requests).toEqual([]);
    const { at } = thread.action('awaitTime');
    expect(at - thread.at).toBe(500);
  });

  it('stands still while a person is asked, is shown apart, and continues with the answer', () => {
    const thread = limited({ turn: { wallMs: 500 } }, { approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(exec('echo > x'));
    expect(budgetTimers(thread)).toEqual([]);
    thread.at += 100_000;
    happen(thread);
    expect(toThreadView(thread.state).budget.turn).toMatchObject({ spent: { wallMs: 1 }, waitedMs: 100_001 });
    decide(thread, 'accept');
    expect(budgetTimers(thread)).toEqual([thread.at + 499]);
    const { id } = thread.step('execCommand');
    thread.done('execCommand', EXITED, id);
    answer(thread, 2, 'words');
    expect(thread.completions('a')).toMatchObject([{ durationMs: 100_005, waitedMs: 100_002 }]);
    expect(toThreadView(thread.state).budget.thread).toMatchObject({ spent: { wallMs: 3 }, waitedMs: 100_002 });
  });

  it('runs while a person is asked where a step of the turn runs meanwhile, and in a thread of an earlier release', () => {
    const side = limited({ turn: { wallMs: 500 } }, { approvalPolicy: 'untrusted' });
    side.submit('a');
    side.answer(exec('ls'), exec('echo > x'));
    expect([side.inputs('execCommand'), budgetTimers(side)]).toMatchObject([[{ command: 'ls' }], [expect.any(Number)]]);
    const old = limited({ turn: { wallMs: 500 } }, { approvalPolicy: 'untrusted', waitingApart: false });
    old.submit('a');
    old.answer(exec('echo > x'));
    expect([old.state.requests, budgetTimers(old)]).toMatchObject([
      [{ type: 'commandExecution' }],
      [expect.any(Number)],
    ]);
  });

  it('is counted for the thread once the turn is over, and not between turns', () => {
    const thread = limited({});
    thread.submit('a');
    thread.at += 1_000;
    answer(thread, 1, 'words');
    thread.at += 50_000;
    thread.submit('b');
    thread.at += 1_000;
    answer(thread, 1, 'words');
    expect(thread.state.budget.own.wallMs).toBe(2_002);
  });

  it('withdraws its question where the step that was under way has ended the turn', () => {
    const thread = limited({ turn: { wallMs: 500 } });
    thread.submit('a');
    fireTimer(thread);
    const asked = thread.state.requests.length;
    answer(thread, 1, 'words');
    expect([asked, thread.state.requests]).toEqual([1, []]);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });
});

describe('a budget', () => {
  it('is given anew by a turn’s overrides, for the scopes they name, with nothing granted', () => {
    const thread = limited({ turn: { tokens: 20 }, thread: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    decide(thread, 'accept');
    decide(thread, 'accept');
    answer(thread, 1, 'words');
    thread.submit('b', 'go', { overrides: { budget: { thread: { steps: 9 } } } });
    expect(toThreadView(thread.state).budget).toMatchObject({
      turn: { limits: { tokens: 20 } },
      thread: { spent: { tokens: 26, steps: 2 }, limits: { steps: 9 } },
    });
    expect(toThreadView(thread.state).budget.thread.limits).toEqual({ steps: 9 });
  });

  it('loses what was granted in the scopes that a turn names, and in no others', () => {
    const thread = limited({ thread: { tokens: 20 }, tree: { tokens: 20 } });
    const limits = () => {
      const { thread: alone, tree } = toThreadView(thread.state).budget;
      return [alone.limits, tree.limits];
    };
    thread.submit('a');
    answer(thread, 25, 'call');
    decide(thread, 'accept');
    decide(thread, 'accept');
    answer(thread, 1, 'words');
    expect(limits()).toEqual([{ tokens: 45 }, { tokens: 45 }]);
    thread.submit('b', 'go', { overrides: { budget: { thread: { tokens: 60 } } } });
    expect(limits()).toEqual([{ tokens: 60 }, { tokens: 45 }]);
    answer(thread, 1, 'words');
    thread.submit('c', 'go', { overrides: { budget: { tree: { tokens: 70 } } } });
    expect(limits()).toEqual([{ tokens: 60 }, { tokens: 70 }]);
  });

  it('is carried over when the thread continues as new, with what was used up, granted and asked', () => {
    const thread = limited({ thread: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    decide(thread, 'accept');
    answer(thread, 20, 'call');
    const [request] = thread.state.requests;
    thread.restart(structuredClone(toCarryOver(thread.state).carriedOver));
    thread.dispatch({ type: 'runContinued' });
    expect(thread.state.requests).toEqual([request]);
    expect(toThreadView(thread.state).budget.thread).toMatchObject({
      spent: { tokens: 45, steps: 2 },
      limits: { tokens: 45 },
    });
    decide(thread, 'accept');
    expect(thread.steps('callModel')).toHaveLength(1);
  });

  it('in dollars makes the worker refuse a model without a price', () => {
    const thread = limited({ tree: { costUsd: 1 } });
    thread.submit('a');
    expect(thread.input('callModel').costLimited).toBe(true);
    const other = limited({ tree: { tokens: 100 } });
    other.submit('a');
    expect(other.input('callModel')).not.toMatchObject({ costLimited: true });
  });

  it('of a child that asks for more does not hold its parent', () => {
    const thread = limited({ turn: { tokens: 20 } });
    thread.submit('a');
    answer(thread, 25, 'call');
    const [request] = thread.state.requests;
    const origin = { threadId: 't1/1', path: ['t1/1'], requestId: 'budget_1', answered: false };
    expect(isHeld(thread.state)).toBe(true);
    expect(isHeld({ ...thread.state, requests: [{ ...request!, origin }] })).toBe(false);
  });
});
