import { describe, expect, it } from 'vitest';
import type { ArchiveSegment, Item, RulesPlace, ThreadEvent } from '../../../src/contract/index.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { isModelCall } from './actions.ts';
import {
  type ContextState,
  NEW_CONTEXT,
  isOverLimit,
  withCompaction,
  withStep,
  withoutCompactionsOver,
} from './context.ts';
import { archivable, itemAt, pageOf, readEvents, readItems } from './log.ts';
import { hostOf, placeOf, waitOf } from './places.ts';
import { threadSpent } from './spending.ts';
import { NO_USAGE, type ThreadLog, type ThreadState, type TurnRecord, addUsage, toWorkspace } from './state.ts';
import { once, retried } from './steps.ts';
import { releaseLater, withRecord, withoutRecords, withoutSnapshots } from './turn-records.ts';

const call = (name: string, args: object) => ({ name, arguments: args });

/** The item as its event of that type shows it. */
function shown(thread: TestThread, type: 'item/started' | 'item/completed', itemType: Item['type']): Item | undefined {
  return thread
    .events()
    .flatMap((event: ThreadEvent) => (event.type === type && 'item' in event ? [event.item] : []))
    .find((item) => item.type === itemType);
}

describe('an item that has ended', () => {
  const calling = (one: { name: string; arguments: unknown }) => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(one);
    return thread;
  };

  it('is a command whose event of its begin shows no result', () => {
    const thread = calling(exec('make'));
    thread.done('execCommand', { ...EXITED, limit: 'memoryMb' });
    const begun = shown(thread, 'item/started', 'commandExecution');
    expect(begun).toMatchObject({ status: 'inProgress', output: '', exitCode: null, durationMs: null });
    expect(begun).not.toHaveProperty('limit');
    expect(shown(thread, 'item/completed', 'commandExecution')).toMatchObject({ exitCode: 0, limit: 'memoryMb' });
  });

  it('is a patch whose event of its begin shows no changes', () => {
    const thread = calling(call('apply_patch', { input: '*** Begin Patch\n*** Add File: a\n+x\n*** End Patch' }));
    const change = { path: '/work/repo/a', kind: 'add' as const, linesAdded: 1, linesRemoved: 0 };
    thread.done('applyPatch', { type: 'applied', changes: [change] });
    expect(shown(thread, 'item/started', 'fileChange')).toMatchObject({
      status: 'inProgress',
      output: '',
      changes: [],
    });
    expect(shown(thread, 'item/completed', 'fileChange')).toMatchObject({ status: 'completed', changes: [change] });
  });

  it('is an image whose event of its begin does not show it', () => {
    const thread = calling(call('view_image', { path: 'a.png' }));
    const image = { sha256: 'ab', bytes: 1, mediaType: 'image/png' as const, width: 2, height: 3 };
    thread.done('viewImage', { type: 'viewed', output: 'a.png', image });
    expect(shown(thread, 'item/started', 'imageView')).toMatchObject({
      status: 'inProgress',
      output: '',
      path: 'a.png',
    });
    expect(shown(thread, 'item/started', 'imageView')).not.toHaveProperty('images');
    expect(shown(thread, 'item/completed', 'imageView')).toMatchObject({ images: [image] });
  });

  it('is a question whose event of its begin shows no answers', () => {
    const thread = calling(call('request_user_input', { questions: [{ id: 'q', question: 'Which?' }] }));
    const answers = { q: { answers: ['80'] } };
    const answer = { requestId: thread.state.requests[0]!.requestId, decision: 'accept' as const, answers };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    expect(shown(thread, 'item/started', 'userInput')).toMatchObject({
      status: 'inProgress',
      output: '',
      answers: null,
    });
    expect(shown(thread, 'item/completed', 'userInput')).toMatchObject({ status: 'completed', answers });
  });
});

describe('a reader of the log', () => {
  const { log } = withTurns(testThread(), 'a', 'b');
  const count = log.events.length;
  const segments: ArchiveSegment[] = [
    { segmentId: 'one', items: { from: 0, to: 1 }, events: { from: 1, to: 4 } },
    { segmentId: 'two', items: { from: 1, to: 2 }, events: { from: 4, to: 8 } },
  ];
  const shorter: ThreadLog = {
    ...{ items: log.items.slice(2), firstItem: 2, events: log.events.slice(7), firstSeq: 8, archived: segments },
  };

  it('gets as many entries as it asks for, and where the next ones are', () => {
    expect(readItems(log, 1, 2)).toEqual({ items: log.items.slice(1, 3), next: 3, more: true, archived: null });
    expect(readItems(shorter, 3, 9)).toEqual({ items: log.items.slice(3), next: 4, more: false, archived: null });
    expect(readItems(log, 9, 2)).toEqual({ items: [], next: 4, more: false, archived: null });
    expect(readEvents(log, 1, 2)).toMatchObject({ next: 3, more: true, archived: null });
    expect(readEvents(log, count + 5, 2)).toEqual({ events: [], next: count, more: false, archived: null });
    expect(readEvents(log, count, 2)).toEqual({ events: [], next: count, more: false, archived: null });
  });

  it('is sent to the segment of the archive that holds the next entry, if the log does not', () => {
    const ofItem = [0, 1, 2].map((index) => readItems(shorter, index, 9).archived?.segmentId);
    expect(ofItem).toEqual(['one', 'two', undefined]);
    expect(readItems(shorter, 1, 9)).toEqual({ items: [], next: 1, more: true, archived: segments[1] });
    // The events after number 2 begin with number 3.
    const ofEvent = [0, 2, 3, 6, 7].map((after) => readEvents(shorter, after, 9).archived?.segmentId);
    expect(ofEvent).toEqual(['one', 'one', 'two', 'two', undefined]);
    expect(readEvents(shorter, 3, 9)).toEqual({ events: [], next: 3, more: true, archived: segments[1] });
    expect(readItems({ ...shorter, archived: [] }, 0, 9)).toMatchObject({ more: true, archived: null });
  });

  it('gets at most 300,000 characters at once, and at least one entry', () => {
    // Each is a string with its two quotes.
    const [half, large] = ['x'.repeat(149_998), 'x'.repeat(300_000)];
    expect(pageOf([half, half, 'x'])).toHaveLength(2);
    expect(pageOf([half, `${half}x`, 'x'])).toHaveLength(1);
    expect(pageOf([large, 'x'])).toEqual([large]);
  });

  it('asks for no item by a number that the log does not have', () => {
    expect(itemAt(shorter, 2)).toBe(log.items[2]);
    expect(() => itemAt(shorter, 1)).toThrow('Item 1 is not in the live log');
  });
});

function withTurns(thread: TestThread, ...turnIds: string[]): ThreadState {
  for (const turnId of turnIds) {
    thread.submit(turnId);
    thread.answer('fine');
  }
  return thread.state;
}

describe('the part of the log that may move to the archive', () => {
  const many = Array.from({ length: 60 }, (_, index) => `turn-${index}`);

  it('leaves the newest 100 events, and the items that these are about', () => {
    const thread = testThread();
    const { log } = withTurns(thread, ...many);
    const segment = archivable(thread.state)!;
    expect(segment.events).toEqual({ from: 1, to: log.events.length - 100 + 1 });
    const about = log.events.slice(-100).flatMap((event) => ('index' in event ? [event.index] : []));
    expect(segment.items).toEqual({ from: 0, to: Math.min(...about) });
    const { decisions: _, ...earlier } = thread.state;
    expect(archivable(earlier)).toEqual(segment);
  });

  it('ends before the first item that has not ended, and before the first event about it', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('long', 'sleep 9', { kind: 'user_shell' });
    thread.answer('fine');
    const running = thread.state.log.items.findIndex(({ type }) => type === 'commandExecution');
    const first = thread.state.log.events.find((event) => 'index' in event && event.index === running)!;
    withTurns(thread, ...many);
    expect(archivable(thread.state)).toMatchObject({
      ...{ items: { from: 0, to: running }, events: { from: 1, to: first.seq } },
    });
    thread.done('execCommand', EXITED);
    // The newest events name the item, so it stays; the events before them go.
    expect(archivable(thread.state)).toMatchObject({ items: { to: running } });
    expect(archivable(thread.state)?.events.to).toBeGreaterThan(first.seq);
  });

  it('is nothing in a short log', () => {
    expect(archivable(withTurns(testThread(), 'a'))).toBeNull();
  });
});

describe('the size of the context', () => {
  const known: ContextState = { ...NEW_CONTEXT, tokens: 500, limit: { model: 'm', compactAt: 1_000 } };
  const compaction = (item: number, upTo = item) => ({ item, upTo, firstItem: upTo });

  it('is not known from an endpoint that counts nothing, nor after a compaction', () => {
    expect(withStep(known, 'm', NO_USAGE, null)).toEqual({ ...known, tokens: null });
    expect(withStep(known, 'm', { ...NO_USAGE, totalTokens: 7 }, 9)).toEqual({
      ...known,
      ...{ tokens: 7, limit: { model: 'm', compactAt: 9 } },
    });
    expect(isOverLimit({ ...known, tokens: null, limit: { model: 'm', compactAt: 0 } }, 'm')).toBe(false);
  });

  it('is above its limit for the model that the limit is of, and after a compaction only if it has grown by a tenth', () => {
    const at = (tokens: number, floor: number | null = null, model = 'm') =>
      isOverLimit({ ...known, tokens, floor }, model);
    expect([at(999), at(1_000), at(1_000, null, 'other')]).toEqual([false, true, false]);
    expect([at(1_049, 950), at(1_050, 950)]).toEqual([false, true]);
  });

  it('remembers the newest 500 compactions, and none over what was removed', () => {
    const all = Array.from({ length: 501 }, (_, index) => compaction(index));
    const context = all.reduce((current, one) => withCompaction(current, one), NEW_CONTEXT);
    expect(context.compactions).toEqual(all.slice(1));
    const two: ContextState = { ...known, floor: 40, compactions: [compaction(3), compaction(9)] };
    expect(withoutCompactionsOver(two, 9)).toEqual({ ...two, tokens: null });
    expect(withoutCompactionsOver(two, 8)).toEqual({ ...two, tokens: null, floor: null, compactions: [compaction(3)] });
  });
});

describe('the records of turns', () => {
  const taken = (turnId: string) =>
    ({ turnId, snapshot: { status: 'taken', commit: 'c0ffee', after: null } }) as unknown;
  const without = (turnId: string) => ({ turnId }) as unknown;
  const recordAll = (state: ThreadState, known: number, ...records: unknown[]) =>
    records.reduce<ThreadState>((current, one) => withRecord(current, one as TurnRecord, known), state);

  it('are the newest ones, and the snapshots of those that are forgotten are released', () => {
    const state = recordAll(testThread().state, 2, taken('a'), without('b'), taken('c'), taken('d'));
    expect(state.turns).toEqual([taken('c'), taken('d')]);
    expect(state.snapshots.release).toEqual(['a']);
  });

  it('hold the newest 100 snapshots', () => {
    const all = Array.from({ length: 101 }, (_, index) => taken(`t${index}`));
    const { turns, snapshots } = recordAll(testThread().state, 200, without('first'), ...all);
    expect(snapshots.release).toEqual(['t0']);
    expect(turns).toEqual([
      without('first'),
      { turnId: 't0', snapshot: { status: 'missing', reason: 'only the newest 100 snapshots of a thread are kept.' } },
      ...all.slice(1),
    ]);
  });

  it('keep 300 bytes of why there is no snapshot', () => {
    const reason = (chars: number) => ({ turnId: 'a', snapshot: { status: 'missing', reason: 'x'.repeat(chars) } });
    expect(recordAll(testThread().state, 9, reason(400), reason(300)).turns).toEqual([reason(300), reason(300)]);
  });

  it('are removed with their snapshots, and others stay', () => {
    const state = recordAll(testThread().state, 9, taken('a'), without('b'), taken('c'));
    const left = withoutRecords(state, ['a', 'b']);
    expect([left.turns, left.snapshots.release]).toEqual([[taken('c')], ['a']]);
    expect(withoutRecords(left, ['unknown'])).toEqual(left);
  });

  it('have no snapshots once those were released, and release the newest 300 at once', () => {
    const state = recordAll(testThread().state, 9, taken('a'), without('b'));
    expect(withoutSnapshots(state).turns).toMatchObject([{ snapshot: { status: 'missing' } }, { turnId: 'b' }]);
    expect(withoutSnapshots(state).turns[1]).toEqual(without('b'));
    const names = Array.from({ length: 301 }, (_, index) => `t${index}`);
    expect(releaseLater(state, names).snapshots.release).toEqual(names.slice(1));
    expect(releaseLater(state, [])).toBe(state);
  });
});

describe('a step', () => {
  it('is tried until it is done, so often as it may, or once', () => {
    const common = {
      ...{ cancellationType: 'WAIT_CANCELLATION_COMPLETED', heartbeatTimeout: 5_000, startToCloseTimeout: '60s' },
    };
    const backoff = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' };
    expect(retried('60s')).toEqual({ ...common, retry: backoff });
    expect(retried('60s', 5)).toEqual({ ...common, retry: { ...backoff, maximumAttempts: 5 } });
    expect(once('60s')).toEqual({ ...common, retry: { ...backoff, maximumAttempts: 1 } });
  });

  it('calls a model to answer or to summarise', () => {
    const thread = testThread();
    thread.submit('a');
    const step = thread.step('callModel');
    const others = [
      { ...step, activity: 'compactContext' as const },
      { ...step, activity: 'execCommand' as const },
    ];
    expect([step, ...others].map((one) => isModelCall(one as typeof step))).toEqual([true, true, false]);
    expect(isModelCall({ type: 'complete', id: 'complete' })).toBe(false);
  });
});

describe('the place of a step', () => {
  const bound = { host: 'build-1', hostGraceMs: 60_000 };
  const queue = toHostQueue('tasks', 'build-1');

  it('is any worker for a thread without a host, and else the host of its workspace', () => {
    expect(placeOf('execCommand', {}, 'tasks')).toEqual({});
    expect(placeOf('execCommand', bound, 'tasks')).toEqual({ taskQueue: queue, scheduleToStartTimeout: 60_000 });
    expect(placeOf('addedActivity' as never, bound, 'tasks')).toMatchObject({ taskQueue: queue });
    expect(placeOf('registerAgentTask', bound, 'tasks')).toEqual({});
  });

  it('is any worker for rules whose place is known', () => {
    const known = { ...bound, rulesAt: { folder: '/work/repo', prefix: '' } as RulesPlace };
    const hosts = (['findRules', 'rememberRule', 'execCommand'] as const).map((one) => hostOf(one, known));
    expect(hosts).toEqual([undefined, undefined, 'build-1']);
    expect(hostOf('findRules', bound)).toBe('build-1');
  });

  it('is waited for as long as the thread says, and 5 s at most for what it can do without', () => {
    expect([waitOf('execCommand', bound), waitOf('execCommand', {})]).toEqual([60_000, 600_000]);
    const dispensable = ['archiveSegment', 'releaseSnapshots', 'rememberRule'] as const;
    expect(dispensable.map((one) => waitOf(one, bound))).toEqual([5_000, 5_000, 5_000]);
    expect(waitOf('archiveSegment', { ...bound, hostGraceMs: 1_000 })).toBe(1_000);
  });
});

describe('usage', () => {
  it('costs an unknown amount if a part of it does', () => {
    const cost = (one: number | null, other: number | null) =>
      addUsage({ ...NO_USAGE, costMicroUsd: one }, { ...NO_USAGE, costMicroUsd: other }).costMicroUsd;
    expect([cost(1, 2), cost(null, 2), cost(1, null)]).toEqual([3, null, null]);
  });

  it('of a thread has the time of the turn that runs in addition to the ended ones', () => {
    const thread = testThread({ budget: { turn: { wallMs: 500 } } });
    thread.submit('a');
    const { active, budget } = thread.state;
    const state = { ...thread.state, budget: { ...budget, own: { ...NOTHING_SPENT, wallMs: 1_000 } } };
    expect(threadSpent(state, active!.clock! + 30).wallMs).toBe(1_030);
    expect(threadSpent({ ...state, active: null }, active!.clock! + 30).wallMs).toBe(1_000);
  });
});

it('a thread that another one starts has its folder, on its host if it has one', () => {
  const { settings } = testThread().state;
  expect(toWorkspace(settings)).toStrictEqual({ cwd: '/work/repo' });
  expect(toWorkspace({ ...settings, host: 'build-1' })).toStrictEqual({ cwd: '/work/repo', host: 'build-1' });
});
