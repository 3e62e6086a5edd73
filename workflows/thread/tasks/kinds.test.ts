/** What all kinds of tasks have in common, and what each of them shows and needs. */
import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../activities/ports.ts';
import type { SubmitTurn, TurnPhase } from '../../../src/contract/index.ts';
import { actionIds } from '../state/actions.ts';
import type { StepAction, StepActivity, StepValue } from '../state/steps.ts';
import { NO_USAGE, type RedoTurn, type ThreadState, type UndoTurn } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';
import { tasks } from './index.ts';
import { toPreview } from './undo.ts';

interface Kind {
  turn: Partial<SubmitTurn> & Pick<SubmitTurn, 'kind'>;
  activity: StepActivity;
  phase: TurnPhase;
  /** It works on the files, and so waits until nothing of a lost command is left. */
  inWorkspace: boolean;
  /** Its time counts, and budgets apply. */
  limited: boolean;
  /** Something must have happened before. */
  after?: (thread: TestThread) => void;
}

const TAKEN: Extract<Snapshot, { status: 'taken' }> = { status: 'taken', commit: 'c0ffee', warnings: [] };

/** A turn `old` that ran a command. */
function work(thread: TestThread): void {
  thread.submit('old');
  const output = [{ type: 'toolCall' as const, callId: 'c', name: 'exec_command', arguments: '{"cmd":"make"}' }];
  thread.done('callModel', { type: 'answered', output, usage: NO_USAGE, snapshot: TAKEN });
  thread.done('execCommand', EXITED);
  thread.answer('done');
  thread.done('takeSnapshot', { ...TAKEN, commit: 'decaf' });
}

function undo(thread: TestThread): void {
  work(thread);
  thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'undo', kind: 'undo', input: [] } });
  const files = { restored: 1, deleted: 0 };
  const redo = { before: 'b', after: 'a' };
  thread.done('undoFiles', { files, redo, commands: [], called: true, notUndone: [] });
}

const KINDS: Kind[] = [
  {
    turn: { kind: 'regular', input: text('hi') },
    activity: 'callModel',
    phase: { type: 'callingModel', step: 1 },
    ...{ inWorkspace: false, limited: true },
  },
  {
    turn: { kind: 'compact' },
    activity: 'compactContext',
    phase: { type: 'compacting', trigger: 'manual' },
    ...{ inWorkspace: false, limited: true, after: work },
  },
  {
    turn: { kind: 'user_shell', input: text('make') },
    activity: 'execCommand',
    phase: { type: 'runningTools', step: 0, running: ['make'], waiting: [] },
    ...{ inWorkspace: true, limited: false },
  },
  {
    turn: { kind: 'ghost_snapshot' },
    activity: 'takeSnapshot',
    phase: { type: 'takingSnapshot' },
    ...{ inWorkspace: true, limited: false },
  },
  {
    turn: { kind: 'undo' },
    activity: 'undoFiles',
    phase: { type: 'undoing', turnId: 'old' },
    ...{ inWorkspace: true, limited: false, after: work },
  },
  {
    turn: { kind: 'redo' },
    activity: 'redoFiles',
    phase: { type: 'redoing', turnId: 'undo' },
    ...{ inWorkspace: true, limited: false, after: undo },
  },
  {
    turn: { kind: 'custom', task: 'lint' },
    activity: 'runTask',
    phase: { type: 'working' },
    ...{ inWorkspace: true, limited: false },
  },
  {
    turn: { kind: 'review', review: { target: { type: 'uncommittedChanges' } } },
    activity: 'prepareReview',
    phase: { type: 'reviewing', stage: 'preparing', threadId: null },
    ...{ inWorkspace: true, limited: true },
  },
];

function open({ turn, after }: Kind, between: (state: ThreadState) => ThreadState = (state) => state): TestThread {
  const thread = testThread({ snapshots: true, root: { dev: 1, ino: 2 } as never });
  after?.(thread);
  thread.restart(between(thread.state));
  thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'a', input: [], ...turn } });
  return thread;
}

const phaseOf = (thread: TestThread) => toThreadView(thread.state).activeTurn?.phase;
const UNCLEAN = { number: 1, commandIds: ['old'] };

describe.each(KINDS)('a turn of kind $turn.kind', (kind) => {
  const { activity, phase, inWorkspace, limited } = kind;

  it('shows what it does, and begins its step where it is to run', () => {
    const thread = open(kind);
    expect(phaseOf(thread)).toEqual(phase);
    expect(thread.state.active?.limited).toBe(limited);
    const step: StepAction = thread.step(activity);
    expect(step).toMatchObject({ turnId: 'a', input: { threadId: 't1' } });
    expect(step.onWorkspace ?? false).toBe(inWorkspace);
    if (inWorkspace) expect(step.input).toMatchObject({ root: { dev: 1, ino: 2 }, cwd: '/work/repo' });
  });

  it('waits for a clean workspace if it works in it', () => {
    const thread = open(kind, (state) => ({ ...state, cleanUp: UNCLEAN, cleanUps: 1 }));
    expect(thread.steps(activity)).toHaveLength(inWorkspace ? 0 : 1);
    if (inWorkspace && activity !== 'prepareReview') expect(phaseOf(thread)).toEqual({ type: 'waitingForWorkspace' });
  });

  it('fails if its step was stopped by somebody else, or failed', () => {
    const stopped = open(kind);
    stopped.end(activity, { type: 'aborted' });
    expect(stopped.completions('a')).toMatchObject([
      activity === 'execCommand' ? {} : { status: 'failed', error: { code: 'internal' } },
    ]);
    const failed = open(kind);
    failed.end(activity, { type: 'failed', failure: { code: 'diskFull', message: 'no room', details: {} } });
    expect(failed.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'diskFull' } }]);
  });

  it('is quiet once its step has ended after an interrupt, whatever the step says', () => {
    for (const how of ['aborted', 'failed'] as const) {
      const thread = open(kind);
      const { id } = thread.step(activity);
      thread.dispatch({ type: 'interruptRequested', interrupt: {} });
      expect(thread.completions('a')).toEqual([]);
      const failure = { code: 'internal', message: 'no', details: {} };
      thread.end(activity, how === 'failed' ? { type: 'failed', failure } : { type: how }, id);
      // A command that no worker saw to its end is looked for first.
      if (thread.steps('cleanWorkspace').length > 0) thread.done('cleanWorkspace', { ended: 0, gone: true });
      expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
    }
  });

  it('takes no notice of the ends of other steps', () => {
    const { state } = open(kind);
    const turn = state.active!;
    const others: Parameters<typeof tasks.onEvent>[2][] = [
      {
        type: 'stepEnded',
        id: 'other',
        activity: 'releaseSnapshots',
        end: { type: 'done', value: null },
        ...{ at: 9, running: [] },
      },
      { type: 'childStarted', id: actionIds.child('t1/9'), failure: null, at: 9, running: [] },
    ];
    for (const event of others) expect(tasks.onEvent(state, turn, event)).toEqual(state);
  });
});

describe('kinds', () => {
  const named = (which: (kind: Kind['turn']['kind']) => boolean) =>
    KINDS.map(({ turn }) => turn.kind).filter((kind) => which(kind));
  const turnOf = (kind: Kind) => open(kind).state.active!;

  it('say what they take, and when they may begin', () => {
    expect(named(tasks.isForRest)).toEqual(['ghost_snapshot', 'undo', 'redo']);
    expect(named(tasks.canSteer)).toEqual(['regular']);
    expect(KINDS.filter((kind) => tasks.isSteerable(turnOf(kind))).map(({ turn }) => turn.kind)).toEqual(['regular']);
    const needing = KINDS.filter((kind) => tasks.needsAgentTask(turnOf(kind)));
    expect(needing.map(({ turn }) => turn.kind)).toEqual(['regular', 'compact']);
  });

  it('that take no input, wait for no agents and show no phase leave a thread as it is', () => {
    const { state } = open(KINDS[2]!);
    const turn = state.active!;
    expect(tasks.steer(state, 9, turn, text('hi'), [])).toBe(state);
    expect(tasks.waitIsOver(state, 9, turn, 0)).toBe(state);
    expect(tasks.onSubThreadReport(state, 9, turn, 't1/1', { type: 'closed', reason: null })).toBe(state);
  });

  it('that take back nothing want nothing', () => {
    const [, , , , undoing, redoing] = KINDS;
    for (const kind of [undoing!, redoing!]) {
      const { state } = open(kind);
      const turn = { ...(state.active as UndoTurn | RedoTurn), target: null };
      expect(tasks.desiredActions(state, turn)).toEqual([]);
      expect(tasks.phase(state, turn)).toMatchObject({ turnId: '' });
      const end = { type: 'aborted' } as const;
      const activity = turn.kind === 'undo' ? 'undoFiles' : 'redoFiles';
      expect(tasks.onEvent(state, turn, { type: 'stepEnded', id: 'x', activity, end, at: 9, running: [] })).toBe(state);
    }
  });

  it.each([{ kind: 'custom' as const }, { kind: 'review' as const }])(
    'of a turn need what it is about: $kind',
    ({ kind }) => {
      const queued = { turnId: 'a', kind, input: [], overrides: {} };
      expect(() => tasks.begin(testThread().state, 9, queued)).toThrow('a');
    },
  );
});

describe('a compaction that is asked for', () => {
  it('is done at once if there is nothing to compact, and says so', () => {
    const thread = testThread();
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'a', kind: 'compact', input: [] } });
    expect(thread.running).toEqual([]);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    const warnings = thread.events().filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([{ message: expect.stringContaining('nothing to compact in thread t1') as string }]);
  });

  it('completes its turn, and is charged for if it comes too late', () => {
    const compacted: StepValue<'compactContext'> = {
      type: 'compacted',
      summary: 'so far',
      userMessages: [],
      provider: null,
      droppedEntries: 0,
      usage: { ...NO_USAGE, totalTokens: 7 },
    };
    const thread = open(KINDS[1]!);
    thread.done('compactContext', compacted);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    const late = open(KINDS[1]!);
    const { id } = late.step('compactContext');
    late.dispatch({ type: 'interruptRequested', interrupt: {} });
    late.done('compactContext', compacted, id);
    expect(late.completions('a')).toMatchObject([{ status: 'aborted', usage: { totalTokens: 7 } }]);
    expect(late.state.counters.droppedResults).toBe(1);
    expect(late.state.log.items.map(({ type }) => type)).not.toContain('contextCompaction');
  });
});

describe('a snapshot as a turn', () => {
  it.each([
    ['is let go of if it comes for a turn that is stopped', TAKEN, ['a']],
    ['has nothing to let go of if none was taken', { status: 'skipped', reason: 'no repository.' } as const, []],
  ])('%s', (_, made, release) => {
    const thread = open(KINDS[3]!);
    const { id } = thread.step('takeSnapshot');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('takeSnapshot', made, id);
    expect(thread.state.snapshots.release).toEqual(release);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });
});

describe('a command of the person', () => {
  it('that was lost fails its turn with a code of its own, and its workspace is cleaned', () => {
    const thread = open(KINDS[2]!);
    thread.end('execCommand', { type: 'lost', lastBeat: { output: 'half' } });
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'commandLost' } }]);
    expect(thread.steps('cleanWorkspace')).toHaveLength(1);
  });

  it('that exited completes its turn without a warning, whatever its code', () => {
    const thread = open(KINDS[2]!);
    thread.done('execCommand', { ...EXITED, exitCode: 1 });
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(thread.types()).not.toContain('warning');
  });
});

describe('the preview of an undo', () => {
  const record = {
    turnId: 'old',
    kind: 'regular',
    status: 'completed',
    firstItem: 2,
    endItem: 5,
    endedAt: 77,
  } as const;
  const snapshot = (after?: string | null) => ({
    ...{ status: 'taken' as const, commit: 'c0ffee' },
    ...(after === undefined ? {} : { after }),
  });

  it('is a step that changes nothing, of no turn', () => {
    const { state } = testThread();
    const step = toPreview(state, { ...record, snapshot: snapshot('decaf') });
    expect(step).toMatchObject({
      type: 'step',
      activity: 'undoFiles',
      input: { threadId: 't1', preview: true, cwd: '/work/repo' },
    });
    expect(step).not.toHaveProperty('turnId');
  });

  it.each([
    ['both snapshots', snapshot('decaf'), 77, 'c0ffee', { after: 'decaf' }, {}],
    ['no snapshot of its end', snapshot(null), 77, 'c0ffee', { after: null }, { endedAt: 77 }],
    ['a snapshot of an earlier release', snapshot(), 77, 'c0ffee', {}, { endedAt: 77 }],
    ['no time of its end', snapshot(null), undefined, 'c0ffee', { after: null }, {}],
    ['no snapshot', null, 77, null, {}, {}],
  ])('of a turn with %s says what is known of it', (_, taken, endedAt, commit, after, time) => {
    const { state } = testThread();
    const { endedAt: __, ...rest } = record;
    const { input } = toPreview(state, { ...rest, snapshot: taken, ...(endedAt === undefined ? {} : { endedAt }) });
    const undone = { turnId: 'old', firstItem: 2, endItem: 5, ...time };
    const { threadId: _t, actionId: _a, preview: _p, ...known } = input;
    expect(known).toStrictEqual({ cwd: '/work/repo', undone, commit, ...after });
    const { decisions: _d, ...earlier } = state;
    const before = toPreview(earlier, { ...rest, snapshot: taken, ...(endedAt === undefined ? {} : { endedAt }) });
    expect(before.input.undone).not.toHaveProperty('endedAt');
  });
});

describe('an undo without a snapshot', () => {
  it.each([
    [{ snapshots: false }, 'this thread takes none.'],
    [{ snapshots: true, sandbox: 'read-only', approvalPolicy: 'never' } as const, 'the turn was not allowed to write.'],
  ])('says why there is none: %j', (settings, why) => {
    const thread = testThread(settings);
    thread.submit('old');
    thread.answer(exec('make'));
    if (thread.steps('execCommand').length > 0) thread.done('execCommand', EXITED);
    thread.answer('done');
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'undo', kind: 'undo', input: [] } });
    const command = (length: number) => ({ command: 'x'.repeat(length), cwd: '/work/repo' });
    thread.done('undoFiles', { files: null, commands: [command(300), command(301)], called: true, notUndone: [] });
    const item = thread.state.log.items.at(-1);
    expect(item).toMatchObject({ type: 'turnsDropped', paths: [], morePaths: 0 });
    expect(item?.type === 'turnsDropped' && item.notUndone).toEqual([
      `Files are as the turn left them. There is no snapshot: ${why}`,
      `Effects elsewhere, if it had any, of: ${'x'.repeat(300)}`,
      `Effects elsewhere, if it had any, of: ${'x'.repeat(300)}…`,
    ]);
  });
});
