import { describe, expect, it } from 'vitest';
import type { Item } from '../../../src/contract/index.ts';
import type { Snapshot } from '../../../activities/ports.ts';
import type { StepEnd } from '../state/steps.ts';
import type { Decisions } from '../../../src/contract/plain/decisions.ts';
import type { ActiveTurn, Aborting, ThreadState, TurnEnd } from '../state/state.ts';
import { testThread } from '../testing/fixtures.ts';
import { findEnding, needsLastSnapshot, settledSnapshot, wantedLastSnapshot } from './ending.ts';
import { onLastSnapshot, onRelease, tellOnce, wantedRelease } from './snapshots.ts';

const TAKEN = { status: 'taken', commit: 'c0ffee' } as const;
const LATER: Snapshot = { status: 'taken', commit: 'decaf', warnings: ['big.bin is left out'] };
const warnings = ({ log }: ThreadState) =>
  log.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));

type Given = { items?: Partial<Item>[]; turn?: Partial<ActiveTurn>; state?: Partial<ThreadState> };

/** A turn with a snapshot from its start, and a log of these items. */
function ending({ items = [CHANGED], turn = {}, state: more = {} }: Given = {}): {
  state: ThreadState;
  turn: ActiveTurn;
} {
  const thread = testThread({ snapshots: true, root: { dev: 1, ino: 2 } as never });
  thread.submit('a');
  const { state } = thread;
  const all = [{ type: 'userMessage', turnId: 'a' }, ...items] as Item[];
  const active = { ...state.active!, snapshot: TAKEN, ...turn } as ActiveTurn;
  return { state: { ...state, log: { ...state.log, items: all }, active, ...more }, turn: active };
}

const item = (type: string, more: object = {}) =>
  ({ type, turnId: 'a', status: 'completed', ...more }) as Partial<Item>;
const command = (words: string, more: object = {}) =>
  item('commandExecution', { command: words, cwd: '/work/repo', ...more });
const CHANGED = item('fileChange');
const NOT_QUIET: Aborting = { reason: 'interrupted', detail: null, since: 1, awaiting: [], quiescent: false };

describe('the second snapshot, at the end of a turn', () => {
  it.each<[string, Given, boolean]>([
    ['changed a file', {}, true],
    ['called a tool of a server', { items: [item('mcpToolCall')] }, true],
    ['had agents', { items: [item('collabAgentToolCall')] }, true],
    ['ran a command', { items: [command('make')] }, true],
    ['ran a command that failed', { items: [command('make', { status: 'failed' })] }, true],
    ['ran only commands that read', { items: [command('ls'), command('git status')] }, false],
    ['was declined all of it', { items: [item('fileChange', { status: 'declined' })] }, false],
    ['only planned', { items: [item('dynamicToolCall'), item('plan', { status: undefined })] }, false],
    ['saw another turn write', { items: [item('fileChange', { turnId: 'b' })] }, false],
    ['wrote before its first item', { turn: { firstItem: 2 } }, false],
    ['is so long that its beginning is archived', { items: [], state: archived() }, true],
    ['is ending already', { turn: { ending: { status: 'completed' } } }, false],
    ['has no first snapshot', { turn: { snapshot: { status: 'missing', reason: 'no' } } }, false],
    ['has none yet', { turn: { snapshot: null } }, false],
    ['may still have processes', { turn: { aborting: NOT_QUIET } }, false],
    ['was stopped, and is quiet', { turn: { aborting: { ...NOT_QUIET, quiescent: true } } }, true],
    ['ends with its thread', { state: { status: 'closing' } }, false],
    [
      'is of a run that an earlier release began',
      { state: { snapshots: { kept: true, release: [], told: [] } } },
      false,
    ],
    ['is no conversation', { turn: { kind: 'user_shell' } }, false],
  ])('of one that %s', (_, given, needed) => {
    const { state, turn } = ending(given);
    expect(needsLastSnapshot(state, turn, { status: 'completed' })).toBe(needed);
  });

  it('of one whose host is away, which nobody could take, unless it began in an earlier release', () => {
    const away = { status: 'failed', error: { code: 'hostAway', message: 'gone' } } as const;
    const other = { status: 'failed', error: { code: 'modelUnavailable', message: 'gone' } } as const;
    const needs = (decisions: Decisions, end: TurnEnd) => {
      const { state, turn } = ending({ state: { decisions } });
      return needsLastSnapshot(state, turn, end);
    };
    expect([needs(6, away), needs(5, away), needs(6, other)]).toEqual([false, true, true]);
  });

  it.each<[string, Given, unknown]>([
    ['is not known if it may have written', {}, { ...TAKEN, after: null }],
    ['is the first one if nothing was written', { items: [] }, { ...TAKEN, after: 'c0ffee' }],
    ['is kept if it was taken', { turn: { snapshot: { ...TAKEN, after: 'decaf' } } }, { ...TAKEN, after: 'decaf' }],
    ['is left out if there is no first one', { turn: { snapshot: null } }, null],
    [
      'is left out in runs of an earlier release',
      { state: { snapshots: { kept: true, release: [], told: [] } } },
      TAKEN,
    ],
  ])('without a wait %s', (_, given, settled) => {
    const { state, turn } = ending(given);
    expect(settledSnapshot(state, turn)).toEqual(settled);
  });

  it('is compared with the first, of the turn that waits for it', () => {
    const { state, turn } = ending({ turn: { ending: { status: 'completed' } } });
    const shell = { ...turn, turnId: 'b', kind: 'user_shell', snapshot: null } as ThreadState['beside'][number];
    const waiting = {
      ...state,
      beside: [shell, { ...shell, turnId: 'c', snapshot: { status: 'missing', reason: '' } } as const],
    };
    const [step, ...others] = wantedLastSnapshot(waiting);
    expect(others).toEqual([]);
    expect(step).toMatchObject({
      ...{ type: 'step', turnId: 'a', activity: 'takeSnapshot', onWorkspace: true },
      input: { threadId: 't1', cwd: '/work/repo', name: 'a', release: [], after: 'c0ffee' },
    });
    expect(findEnding(waiting, step!.id)).toBe(turn);
    expect(findEnding(waiting, 'another')).toBeNull();
    expect(findEnding({ ...waiting, active: null }, step!.id)).toBeNull();
    expect(findEnding(ending().state, step!.id)).toBeNull();
    expect(wantedLastSnapshot(ending().state)).toEqual([]);
    expect(wantedLastSnapshot({ ...state, active: null })).toEqual([]);
  });

  it.each<[string, StepEnd<'takeSnapshot'>, string | null, string]>([
    ['was taken', { type: 'done', value: LATER }, 'decaf', 'big.bin is left out'],
    [
      'was skipped',
      { type: 'done', value: { status: 'skipped', reason: 'no repository.' } },
      null,
      'less exact: no repository.',
    ],
    [
      'failed',
      { type: 'failed', failure: { code: 'gitFailed', message: 'git is gone', details: {} } },
      null,
      'less exact: git is gone',
    ],
    ['was stopped', { type: 'aborted' }, null, 'less exact: it was stopped.'],
  ])('ends the turn whether or not it %s', (_, end, after, says) => {
    const { state, turn } = ending({ turn: { ending: { status: 'completed' } } });
    const ended = onLastSnapshot(state, 9, turn, end);
    expect(ended.turns).toMatchObject([{ turnId: 'a', status: 'completed', snapshot: { ...TAKEN, after } }]);
    expect(warnings(ended)).toMatchObject([expect.stringContaining(says) as string]);
  });
});

function archived(): Partial<ThreadState> {
  const { log } = testThread().state;
  return { log: { ...log, items: [], firstItem: 7 } };
}

describe('warnings about snapshots', () => {
  it('are given once, as far back as fifty of them', () => {
    let { state } = testThread();
    for (let n = 0; n <= 50; n++) state = tellOnce(state, n, `warning ${n}`);
    expect(tellOnce(state, 60, 'warning 1')).toBe(state);
    expect(warnings(tellOnce(state, 60, 'warning 0'))).toHaveLength(52);
  });
});

describe('the release of all snapshots', () => {
  const closing = (more: Partial<ThreadState> = {}) => {
    const { state } = ending();
    const rest = { status: 'closing', active: null, snapshots: { ...state.snapshots, kept: true } } as const;
    return { ...state, ...rest, ...more };
  };

  it('comes when a thread that is closing has come to rest, if there may be some', () => {
    const { state, turn } = ending();
    const shell = { ...turn, kind: 'user_shell' } as ThreadState['beside'][number];
    const queued = { turnId: 'b', kind: 'regular', input: [], overrides: {} } as const;
    expect(wantedRelease(closing())).toMatchObject([
      { activity: 'releaseSnapshots', input: { threadId: 't1', root: { dev: 1, ino: 2 }, cwd: '/work/repo' } },
    ]);
    const { root: _, ...settings } = state.settings;
    const [unpinned] = wantedRelease(closing({ settings })) as { input: object }[];
    expect(unpinned?.input).toStrictEqual({ threadId: 't1', cwd: '/work/repo' });
    const none: Partial<ThreadState>[] = [
      { active: turn },
      { beside: [shell] },
      { queue: [{ ...queued, input: [] }] },
      { status: 'open' },
      { snapshots: { ...state.snapshots, kept: false } },
    ];
    for (const more of none) expect(wantedRelease(closing(more))).toEqual([]);
  });

  it('is over whether or not it succeeded, and says if it did not', () => {
    const before = closing();
    before.snapshots = { ...before.snapshots, release: ['a'], told: ['a warning'] };
    const done = onRelease(before, 9, { type: 'done', value: null });
    expect(done.snapshots).toEqual({ ...before.snapshots, kept: false, release: [] });
    expect(warnings(done)).toEqual([]);
    const failed = onRelease(before, 9, {
      type: 'failed',
      failure: { code: 'gitFailed', message: 'git is gone', details: {} },
    });
    expect(failed.snapshots.kept).toBe(false);
    expect(warnings(failed)).toMatchObject([expect.stringContaining('git is gone') as string]);
  });
});
