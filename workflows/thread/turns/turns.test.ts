import { describe, expect, it } from 'vitest';
import { KNOWN_TURN_IDS, type ThreadState } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import {
  abortTurn,
  concludeTurn,
  dropQueued,
  finishAbort,
  findTurn,
  onStepStopped,
  rememberTurn,
  toQueuedTurn,
} from './turns.ts';

const PARENT = { threadId: 'p', path: ['p'], role: 'agent' as const };
const WHY = { reason: 'interrupted', detail: null } as const;
const keep = (state: ThreadState) => state;
const active = ({ state }: TestThread) => state.active!;
const reports = ({ state }: TestThread) =>
  state.outbox.flatMap(({ to, message }) =>
    message.signal === 'subThreadReport' ? [{ to, ...message.payload.report }] : [],
  );

/** A turn `a` that waits for its model, and shell commands beside it. */
function withShells(...turnIds: string[]): TestThread {
  const thread = testThread();
  thread.submit('a');
  for (const turnId of turnIds) thread.submit(turnId, 'sleep 5', { kind: 'user_shell' });
  return thread;
}

describe('a submission', () => {
  it('is known by its id as long as a thousand others have not come since', () => {
    const { state } = testThread();
    const { decisions: _, ...earlier } = state;
    const knownTurnIds = Array.from({ length: KNOWN_TURN_IDS }, (_, n) => `${n}`);
    for (const begun of [state, earlier]) {
      const known = rememberTurn({ ...begun, knownTurnIds }, 'newest').knownTurnIds;
      expect(known).toHaveLength(1_000);
      expect([known[0], known.at(-1)]).toEqual(['1', 'newest']);
    }
  });

  it('waits with the members that it has', () => {
    const plain = { turnId: 'a', kind: 'regular', input: text('hi') } as const;
    expect(toQueuedTurn({ ...plain, input: text('hi') })).toStrictEqual({ ...plain, overrides: {} });
    const more = {
      task: 'lint',
      review: { target: { type: 'uncommittedChanges' } },
      overrides: { model: 'm' },
    } as const;
    expect(toQueuedTurn({ ...plain, input: text('hi'), ...more })).toStrictEqual({ ...plain, ...more });
  });

  it('that is not in the queue cannot be dropped from it', () => {
    const thread = withShells();
    thread.submit('b', 'later', { onBusy: 'queue' });
    expect(dropQueued(thread.state, 2_000, 'z', 'interrupted', null)).toBe(thread.state);
  });
});

describe('a turn beside the active one', () => {
  it('is stopped without the others, and its end leaves them as they are', () => {
    const thread = withShells('b', 'c', 'd');
    const [, second] = thread.steps('execCommand');
    thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'c' } });
    const aborting = (turnId: string) => findTurn(thread.state, turnId)?.aborting ?? null;
    expect(['a', 'b', 'c', 'd'].map((turnId) => aborting(turnId) !== null)).toEqual([false, false, true, false]);
    thread.at += 2_000;
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, second!.id);
    expect(thread.state.beside.map(({ turnId }) => turnId)).toEqual(['b', 'd']);
    expect(active(thread).turnId).toBe('a');
    const status = thread.state.log.items.flatMap((item) => (item.type === 'commandExecution' ? [item.status] : []));
    expect(status).toEqual(['inProgress', 'aborted', 'inProgress']);
    thread.answer('done');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(thread.state.beside).toHaveLength(2);
  });

  it('goes on after the active one has ended, and can be stopped then', () => {
    const thread = withShells('b', 'c');
    thread.answer('done');
    thread.dispatch({ type: 'interruptRequested', interrupt: { turnId: 'b' } });
    expect(findTurn(thread.state, 'b')?.aborting).toMatchObject({ reason: 'interrupted' });
    expect(findTurn(thread.state, 'c')?.aborting).toBeNull();
    expect(findTurn(thread.state, 'z')).toBeNull();
  });
});

describe('an abort', () => {
  it('keeps its first reason, and waits for each of its actions', () => {
    const { state } = withShells();
    const first = abortTurn(state, 5, state.active!, WHY, ['x', 'y', 'z']);
    expect(abortTurn(first, 9, first.active!, { reason: 'replaced', detail: 'b' }, [])).toBe(first);
    const one = onStepStopped(first, first.active!, 'y', true);
    expect(one.active?.aborting).toEqual({ ...WHY, since: 5, awaiting: ['x', 'z'], quiescent: true });
    const two = onStepStopped(one, one.active!, 'x', false);
    const three = onStepStopped(two, two.active!, 'z', true);
    expect(three.active?.aborting).toMatchObject({ awaiting: [], quiescent: false });
    expect(onStepStopped(state, state.active!, 'x', false)).toBe(state);
  });

  it('is finished once, and only if it has begun', () => {
    const { state } = withShells();
    const turn = state.active!;
    expect(finishAbort(state, 9, turn, keep)).toBe(state);
    const aborted = abortTurn(state, 5, turn, WHY, []);
    const ending = { status: 'failed', error: { code: 'internal', message: 'no' } } as const;
    expect(finishAbort(aborted, 9, { ...aborted.active!, ending }, keep)).toBe(aborted);
    expect(finishAbort(aborted, 9, aborted.active!, keep).active).toBeNull();
  });

  it('says in each item that had not ended how long its turn took, and leaves those of other turns', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('make'), exec('make test'));
    thread.submit('b', 'sleep 5', { kind: 'user_shell' });
    const [first] = thread.steps('execCommand');
    const { startedAt } = active(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.at = startedAt + 2_499;
    thread.done('execCommand', { ...EXITED, outcome: 'aborted', output: 'half' }, first!.id);
    expect(thread.state.log.items.filter(({ type }) => type === 'commandExecution')).toMatchObject([
      { turnId: 'a', status: 'aborted', output: expect.stringContaining('half') as string },
      { turnId: 'a', status: 'aborted', output: 'aborted by user after 2.5s' },
      { turnId: 'b', status: 'inProgress' },
    ]);
  });
});

describe('the end of a turn', () => {
  it('is not concluded before it has begun, and keeps a snapshot that is missing', () => {
    const { state } = withShells();
    const turn = state.active!;
    expect(concludeTurn(state, 9, turn, 'c0ffee')).toBe(state);
    const ending = { status: 'completed' } as const;
    const missing = { status: 'missing', reason: 'no repository' } as const;
    for (const snapshot of [null, missing]) {
      const { turns } = concludeTurn(state, 9, { ...turn, ending, snapshot }, 'c0ffee');
      expect(turns).toMatchObject([{ snapshot }]);
    }
  });

  it.each([
    [true, 500, { waitedMs: 500 }],
    [true, 0, {}],
    [false, 500, {}],
  ])(
    'has the time that it waited for a person if that is counted apart (%s, %d ms)',
    (waitingApart, waitedMs, shown) => {
      const { state } = testThreadWith({ waitingApart });
      const ending = { status: 'completed' } as const;
      const { log } = concludeTurn(state, state.updatedAt, { ...state.active!, waitedMs, ending }, null);
      const event = log.events.at(-1);
      expect(
        event?.type === 'turn/completed' && 'waitedMs' in event.turn ? { waitedMs: event.turn.waitedMs } : {},
      ).toEqual(shown);
    },
  );

  it('is reported to the thread above: first what it used up, then how it ended, its last message cut', () => {
    const thread = testThreadWith({ parent: { ...PARENT } });
    thread.answer('x'.repeat(30_000));
    expect(reports(thread)).toMatchObject([
      { to: 'p', type: 'usage', spent: { steps: 1 }, waits: false },
      {
        to: 'p',
        type: 'turnCompleted',
        turn: { turnId: 'a', status: 'completed', lastAgentMessage: 'x'.repeat(20_000) },
      },
    ]);
    thread.submit('b');
    thread.end('callModel', { type: 'failed', failure: { code: 'modelServerError', message: 'no', details: {} } });
    expect(reports(thread).at(-1)).toMatchObject({ turn: { turnId: 'b', lastAgentMessage: null } });
  });

  it('is cut for no one but the thread of an agent', () => {
    const long = 'x'.repeat(30_000);
    const review = testThreadWith({ parent: { ...PARENT, role: 'review' } });
    review.answer(long);
    expect(reports(review)[1]).toMatchObject({ turn: { lastAgentMessage: long } });
    const { decisions: _, ...earlier } = testThreadWith({ parent: { ...PARENT } }).state;
    const begun = testThread();
    begun.restart(earlier);
    begun.answer(long);
    expect(reports(begun).at(-1)).toMatchObject({ turn: { lastAgentMessage: long } });
  });

  it('is kept, whole, for a thread above that waits for the result alone', () => {
    const thread = testThread({ parent: { ...PARENT, reports: 'result' } });
    thread.submit('review');
    thread.answer('x'.repeat(30_000));
    expect(thread.state.outbox).toEqual([]);
    expect(thread.state.newest).toMatchObject({ turnId: 'review', lastAgentMessage: 'x'.repeat(30_000) });
    thread.submit('b');
    expect(thread.state.newest).toMatchObject({ turnId: 'review' });
  });
});

function testThreadWith(settings: Parameters<typeof testThread>[0]): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  return thread;
}
