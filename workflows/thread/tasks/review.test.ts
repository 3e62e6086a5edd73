import { describe, expect, it } from 'vitest';
import type {
  Item,
  ReviewTarget,
  SubThreadReport,
  ThreadSettings,
  TurnCompletion,
} from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import type { MachineInput } from '../state/inputs.ts';
import { reduce } from '../machine/machine.ts';
import { NO_USAGE } from '../state/state.ts';
import { NOTHING_FOUND, type TestThread, testThread } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';

const RANGE = { base: 'a1', head: 'b2' };
const CHILD = 't1/1';

function reviewing(target: ReviewTarget = { type: 'uncommittedChanges' }, settings: Partial<ThreadSettings> = {}) {
  const thread = testThread(settings);
  thread.submit('r', '', { kind: 'review', input: [], review: { target } });
  return thread;
}

const prepared = (thread: TestThread) => {
  thread.done('prepareReview', PREPARED);
  return thread;
};
const PREPARED = { type: 'prepared', prompt: 'Review it.', range: RANGE } as const;

const started = (thread: TestThread, failure: string | null = null) =>
  end(thread, {
    type: 'childStarted',
    id: actionIds.child(CHILD),
    failure: failure === null ? null : { code: 'internal', message: failure, details: {} },
  });

function end(thread: TestThread, machineInput: MachineInput): TestThread {
  thread.dispatch(machineInput);
  return thread;
}

const atWork = (...given: Parameters<typeof reviewing>) => started(prepared(reviewing(...given)));

function say(thread: TestThread, report: SubThreadReport): void {
  thread.dispatch({ type: 'subThreadReported', message: { threadId: CHILD, report } });
}

type Ended = TurnCompletion extends infer C
  ? C extends TurnCompletion
    ? Pick<C, 'status'> & Partial<C>
    : never
  : never;

function endOfChild(ended: Ended): SubThreadReport {
  const usage = { ...NO_USAGE, totalTokens: 12 };
  const base = { turnId: 'review', kind: 'regular', lastAgentMessage: '{}', startedAt: 1, durationMs: 1, usage };
  return { type: 'turnCompleted', turn: { ...base, ...ended } as TurnCompletion };
}

const STOPPED = endOfChild({ status: 'aborted', reason: 'threadClosed', detail: null, quiescent: true });

function itemsOf(thread: TestThread): Item[] {
  return thread.events().flatMap((event) => (event.type === 'item/completed' ? [event.item] : []));
}

/** The turn has ended, the review was left once and without a result, and the thread accepts the next turn. */
function expectLeft(thread: TestThread, completion: Partial<TurnCompletion>): void {
  expect(thread.completions('r')).toMatchObject([completion]);
  expect(itemsOf(thread).map(({ type }) => type)).toEqual(['enteredReviewMode', 'exitedReviewMode']);
  expect(itemsOf(thread)[1]).toMatchObject({ reviewOutput: null, range: null });
  thread.submit('next');
  expect(thread.step('callModel').turnId).toBe('next');
}

describe('a review', () => {
  it('is pinned, looked at in a separate thread, compared with the changes, and then over', () => {
    const thread = atWork();
    expect(toThreadView(thread.state).activeTurn?.phase).toEqual({
      ...{ type: 'reviewing', stage: 'running', threadId: CHILD },
    });
    say(thread, endOfChild({ status: 'completed', lastAgentMessage: 'the answer' }));
    const { text, range } = thread.input('finishReview');
    expect({ text, range }).toEqual({ text: 'the answer', range: RANGE });
    say(thread, { type: 'closed', reason: null });
    thread.done('finishReview', { type: 'concluded', output: NOTHING_FOUND });
    expect(itemsOf(thread)).toMatchObject([
      { type: 'enteredReviewMode', review: 'current changes' },
      { type: 'exitedReviewMode', reviewOutput: NOTHING_FOUND, range: RANGE },
    ]);
    expect(thread.completions('r')).toMatchObject([
      { status: 'completed', kind: 'review', lastAgentMessage: null, usage: { totalTokens: 12 } },
    ]);
    expect(thread.state.usage.totalTokens).toBe(12);
    expect(thread.running).toEqual([]);
  });

  it('is given nothing of the thread but its place, its identity and a model', () => {
    const thread = testThread({
      instructions: 'Be brief.',
      approvalPolicy: 'untrusted',
      sandbox: 'danger-full-access',
    });
    thread.submit('before', 'a secret plan');
    thread.answer('understood');
    thread.submit('r', '', { kind: 'review', input: [], review: { target: { type: 'uncommittedChanges' } } });
    prepared(thread);
    const { start } = thread.action('startChild');
    expect(start).toEqual({
      threadId: CHILD,
      parent: { threadId: 't1', path: ['t1'], role: 'review' },
      budget: {},
      workspace: { cwd: '/work/repo' },
      title: 'Review: current changes',
      model: 'offline/test',
      instructions: '',
      approvalPolicy: 'never',
      sandbox: 'read-only',
      agentIdentity: { mode: 'off', account: 'default' },
      unattended: { approvals: 'decline' },
      firstTurn: { turnId: 'review', kind: 'regular', input: [{ type: 'text', text: 'Review it.' }] },
    });
  });

  it('asks the model of this review, else the one for reviews, else that of the thread', () => {
    const modelOf = (reviewModel: string | null, model?: string) => {
      const thread = testThread({ reviewModel });
      const review = { target: { type: 'uncommittedChanges' } as const, ...(model === undefined ? {} : { model }) };
      thread.submit('r', '', { kind: 'review', input: [], review });
      prepared(thread);
      return thread.action('startChild').start.model;
    };
    expect([modelOf(null), modelOf('for/reviews'), modelOf('for/reviews', 'for/this')]).toEqual([
      ...['offline/test', 'for/reviews', 'for/this'],
    ]);
  });

  it('may be over before the word of its start comes', () => {
    const thread = prepared(reviewing());
    say(thread, endOfChild({ status: 'completed' }));
    say(thread, { type: 'closed', reason: null });
    expect(thread.stopping).toEqual([]);
    started(thread);
    expect(thread.state.children).toMatchObject([{ status: 'shutdown', start: null }]);
    const { id } = thread.step('finishReview');
    thread.done('finishReview', { type: 'concluded', output: NOTHING_FOUND }, id);
    expect(thread.completions('r')).toMatchObject([{ status: 'completed' }]);
    expect(thread.running).toEqual([]);
  });

  it('says in few words what it looks at', () => {
    const targets: ReviewTarget[] = [
      { type: 'baseBranch', branch: 'main' },
      { type: 'commit', sha: '0123456789abcdef' },
      { type: 'commit', sha: '0123456789abcdef', title: 'Mend it' },
      { type: 'custom', instructions: 'Look at the locks' },
    ];
    const hints = targets.map((target) => itemsOf(reviewing(target))[0]);
    expect(hints.map((item) => (item?.type === 'enteredReviewMode' ? item.review : null))).toEqual([
      ...["changes against 'main'", 'commit 0123456', 'commit 0123456: Mend it', 'Look at the locks'],
    ]);
  });

  it('takes no steered input, and its words no news for later turns', () => {
    const thread = atWork();
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'r', input: [{ type: 'text', text: 'also' }] } });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'turnNotSteerable' });
    say(thread, endOfChild({ status: 'completed' }));
    expect(thread.state.children).toMatchObject([{ role: 'review', news: null, lastAgentMessage: null }]);
  });
});

describe('a review that is stopped is left without a result,', () => {
  const stop = (thread: TestThread) => thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'r' } });
  const INTERRUPTED = { status: 'aborted', reason: 'interrupted', quiescent: true } as const;

  it('while it is prepared', () => {
    const thread = reviewing();
    const { id } = thread.step('prepareReview');
    stop(thread);
    expect(thread.stopping).toEqual([id]);
    thread.end('prepareReview', { type: 'aborted' }, id);
    expectLeft(thread, INTERRUPTED);
    expect(thread.state.children).toEqual([]);
  });

  it('while its thread works, which is closed and waited for', () => {
    const thread = atWork();
    stop(thread);
    expect(thread.action('sendMessage')).toMatchObject({ to: CHILD, message: { signal: 'closeThread' } });
    expect(thread.completions('r')).toEqual([]);
    say(thread, STOPPED);
    expectLeft(thread, { ...INTERRUPTED, usage: { ...NO_USAGE, totalTokens: 12 } });
  });

  it('while its thread is being started, which is told to close as soon as it is there', () => {
    const thread = prepared(reviewing());
    stop(thread);
    expect(thread.completions('r')).toEqual([]);
    started(thread);
    expect(thread.action('sendMessage')).toMatchObject({ to: CHILD, message: { signal: 'closeThread' } });
    expect(thread.completions('r')).toEqual([]);
    say(thread, STOPPED);
    expectLeft(thread, INTERRUPTED);
  });

  it('before its thread was begun to be started, and then none is', () => {
    const thread = reviewing();
    const { id } = thread.step('prepareReview');
    // Both in one workflow task: the shell has begun nothing in between.
    const end = { type: 'done', value: PREPARED } as const;
    const first: MachineInput = { type: 'stepEnded', id, activity: 'prepareReview', end };
    const begun = reduce(thread.state, { ...first, at: 9_000, running: [] });
    expect(begun.children).toMatchObject([{ status: 'pendingInit' }]);
    thread.restart(reduce(begun, { type: 'interruptRequested', interrupt: {}, at: 9_001, running: [] }));
    expect(thread.state.children).toMatchObject([{ status: 'shutdown', start: null }]);
    expect(thread.running).toEqual([]);
    expectLeft(thread, INTERRUPTED);
  });

  it('when the wait for its thread to start is given up, and that is closed when it does come', () => {
    const thread = prepared(reviewing());
    stop(thread);
    thread.dispatch({ type: 'timeCame', id: 'x', about: { type: 'quiescence', turnId: 'r' } });
    expect(thread.completions('r')).toMatchObject([{ status: 'aborted', quiescent: false }]);
    expect(thread.state.children).toMatchObject([{ status: 'shutdown' }]);
    started(thread);
    expect(thread.action('sendMessage')).toMatchObject({ to: CHILD, message: { signal: 'closeThread' } });
  });

  it('while what it found is compared', () => {
    const thread = atWork();
    say(thread, endOfChild({ status: 'completed' }));
    const { id } = thread.step('finishReview');
    stop(thread);
    thread.done('finishReview', { type: 'concluded', output: NOTHING_FOUND }, id);
    expectLeft(thread, INTERRUPTED);
  });

  it('by a turn that replaces it', () => {
    const thread = atWork();
    thread.submit('other');
    say(thread, STOPPED);
    expect(thread.completions('r')).toMatchObject([{ status: 'aborted', reason: 'replaced' }]);
    expect(itemsOf(thread).map(({ type }) => type)).toEqual(['enteredReviewMode', 'exitedReviewMode', 'userMessage']);
    expect(thread.step('callModel').turnId).toBe('other');
  });
});

describe('a review fails, and is left without a result,', () => {
  const failed = (code: string) => ({ status: 'failed', error: { code } }) as Partial<TurnCompletion>;

  it('where there is nothing to look at', () => {
    const thread = reviewing();
    const failure = { code: 'reviewNothingToReview', message: 'no changes', details: {} };
    const { id } = thread.step('prepareReview');
    thread.end('prepareReview', { type: 'failed', failure }, id);
    expectLeft(thread, failed('reviewNothingToReview'));
  });

  it('where its thread cannot be started', () => {
    expectLeft(started(prepared(reviewing()), 'no such queue'), failed('reviewNotStarted'));
  });

  it('where its thread fails, with the same code', () => {
    const thread = atWork();
    say(thread, endOfChild({ status: 'failed', error: { code: 'modelUnauthorized', message: 'no key' } }));
    expectLeft(thread, failed('modelUnauthorized'));
  });

  it('where somebody else stops its thread', () => {
    const thread = atWork();
    say(thread, STOPPED);
    expectLeft(thread, failed('reviewThreadLost'));
  });

  it('where its thread is gone without a word', () => {
    const thread = atWork();
    thread.dispatch({ type: 'childGone', id: actionIds.watch(CHILD), threadId: CHILD });
    expectLeft(thread, failed('reviewThreadLost'));
  });

  it('where what it said cannot be compared', () => {
    const thread = atWork();
    say(thread, endOfChild({ status: 'completed' }));
    const failure = { code: 'gitFailed', message: 'no git', details: {} };
    thread.end('finishReview', { type: 'failed', failure });
    expectLeft(thread, failed('gitFailed'));
  });
});

describe('a turn of somebody else in the thread of a review', () => {
  it('is no result of it', () => {
    const thread = atWork();
    say(
      thread,
      endOfChild({ status: 'completed', turnId: 'shell', kind: 'user_shell', lastAgentMessage: null } as never),
    );
    expect(thread.steps('finishReview')).toEqual([]);
    say(thread, endOfChild({ status: 'completed', lastAgentMessage: 'the answer' }));
    expect(thread.input('finishReview').text).toBe('the answer');
  });
});

describe('a thread with the role of a review', () => {
  const parent = { threadId: 't0', path: ['t0'], role: 'review' as const };

  it('has one turn, and closes itself after it', () => {
    const thread = testThread({ parent });
    thread.submit('review');
    thread.answer('looks good');
    expect(thread.state.status).toBe('closed');
  });

  it('changes nothing, asks nobody and has no agents, whatever its model calls', () => {
    const thread = testThread({
      ...{ parent, approvalPolicy: 'never', sandbox: 'read-only', unattended: { approvals: 'decline' } },
    });
    thread.submit('review');
    thread.answer(
      { name: 'apply_patch', arguments: { input: '*** Begin Patch\n*** Add File: a\n+a\n*** End Patch' } },
      { name: 'spawn_agent', arguments: { task_name: 'x', message: 'go' } },
      { name: 'request_user_input', arguments: { questions: [{ id: 'q', header: 'h', question: 'why?' }] } },
      { name: 'exec_command', arguments: { cmd: 'x', sandbox_permissions: 'require_escalated' } },
    );
    expect(thread.steps('applyPatch')).toEqual([]);
    expect(thread.actions('startChild')).toEqual([]);
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.state.requests).toEqual([]);
    expect(thread.input('callModel').step).toBe(2);
  });
});

describe('the thread of a review', () => {
  it('has a title that is cut, and keeps what must stay checked out', () => {
    const thread = reviewing({ type: 'custom', instructions: 'x'.repeat(1_000) });
    thread.done('prepareReview', { ...PREPARED, checkedOut: 'main' });
    const { start } = thread.action('startChild');
    expect(start.title).toHaveLength(200);
    expect(start.parent).toMatchObject({ role: 'review', checkedOut: 'main' });
    expect(prepared(reviewing()).action('startChild').start.parent).not.toHaveProperty('checkedOut');
  });

  it('is not started where the thread cannot have one', () => {
    const thread = reviewing(undefined, {
      parent: { threadId: 'p', path: Array<string>(16).fill('p'), role: 'agent' },
    });
    prepared(thread);
    expectLeft(thread, {
      status: 'failed',
      error: { code: 'reviewNotStarted', message: expect.any(String) as string },
    });
  });

  it('answers in at most 200,000 characters', () => {
    const thread = atWork();
    say(thread, endOfChild({ status: 'completed', lastAgentMessage: 'x'.repeat(300_000) }));
    expect(thread.input('finishReview').text).toHaveLength(200_000);
  });

  it('of another turn, or that reports twice, counts for nothing', () => {
    const thread = atWork();
    const done = endOfChild({ status: 'completed', lastAgentMessage: 'the answer' });
    thread.dispatch({ type: 'subThreadReported', message: { threadId: 't1/9', report: done } });
    expect(thread.steps('finishReview')).toEqual([]);
    say(thread, done);
    say(thread, endOfChild({ status: 'completed', lastAgentMessage: 'another' }));
    expect(thread.input('finishReview').text).toBe('the answer');
    expect(thread.state.usage.totalTokens).toBe(12);
  });

  it.each([
    [null, 1],
    ['no room', 0],
  ])('that starts while its turn is stopped is closed and waited for, if it starts (%s)', (failure, waited) => {
    const thread = prepared(reviewing());
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    started(thread, failure);
    expect(thread.completions('r')).toHaveLength(1 - waited);
    if (waited > 0) {
      expect(thread.state.active?.aborting?.awaiting).toEqual([actionIds.watch(CHILD)]);
      say(thread, { type: 'closed', reason: null });
    }
    expect(thread.completions('r')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });

  it('shows how far it is', () => {
    const phase = (thread: TestThread) => toThreadView(thread.state).activeTurn?.phase;
    const thread = atWork();
    say(thread, endOfChild({ status: 'completed', lastAgentMessage: 'the answer' }));
    expect(phase(thread)).toEqual({ type: 'reviewing', stage: 'finishing', threadId: CHILD });
  });
});
