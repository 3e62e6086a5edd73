import { describe, expect, it } from 'vitest';
import type { ThreadSettings } from '../../../src/contract/index.ts';
import type { Snapshot } from '../../../activities/ports.ts';
import type { UndoneFiles } from '../../../activities/contract.ts';
import { NO_USAGE } from '../state/state.ts';
import type { StepEnd } from '../state/steps.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';

const TAKEN: Snapshot = { status: 'taken', commit: 'c0ffee', warnings: [] };
const NO_REPOSITORY: Snapshot = {
  status: 'skipped',
  reason: '/work/repo is not in the work tree of a git repository.',
};
const FILES: UndoneFiles = {
  files: { restored: 2, deleted: 1 },
  commands: [
    { command: 'make', cwd: '/work/repo' },
    { command: 'ls', cwd: '/work/repo' },
  ],
  called: true,
  notUndone: ['Not in the snapshot, so left as it is: big.bin'],
};
const UNDONE: StepEnd<'undoFiles'> = { type: 'done', value: FILES };

function open(settings: Partial<ThreadSettings> = {}): TestThread {
  return testThread({ snapshots: true, ...settings });
}

/** The model calls a command, while the snapshot had this outcome. */
function call(thread: TestThread, snapshot: Snapshot | null): void {
  const { id } = thread.step('callModel');
  const { name, arguments: args } = exec('make');
  const output = [{ type: 'toolCall' as const, callId: `call-${id}`, name, arguments: JSON.stringify(args) }];
  const made = snapshot === null ? {} : { snapshot };
  thread.done('callModel', { type: 'answered', output, usage: NO_USAGE, ...made }, id);
}

/** A whole turn with one command. */
function work(thread: TestThread, turnId: string, snapshot: Snapshot = TAKEN): void {
  thread.submit(turnId);
  call(thread, snapshot);
  thread.done('execCommand', EXITED);
  thread.answer('done');
  if (snapshot.status === 'taken') endLast(thread);
}

const AFTER: Snapshot = { status: 'taken', commit: 'decaf', warnings: [] };

/** The snapshot that the end of a turn waits for. */
function endLast(thread: TestThread, end: StepEnd<'takeSnapshot'> = { type: 'done', value: AFTER }): void {
  thread.end('takeSnapshot', end);
}

function submitUndo(thread: TestThread, turnId: string, onBusy: { onBusy?: 'queue' | 'replace' } = {}): void {
  thread.dispatch({ type: 'turnSubmitted', turn: { turnId, kind: 'undo', input: [], ...onBusy } });
}

function endUndo(thread: TestThread, end: StepEnd<'undoFiles'> = UNDONE): void {
  thread.end('undoFiles', end);
}

const dropped = (thread: TestThread) => thread.state.log.items.filter((item) => item.type === 'turnsDropped');
const warnings = (thread: TestThread) =>
  thread.events().flatMap((event) => (event.type === 'warning' ? [event.message] : []));

/** The input of the undo under way. */
function undoInput(thread: TestThread) {
  return thread.input('undoFiles');
}

describe('a snapshot', () => {
  it('is asked for beside the model steps of a turn until one of them has called a tool', () => {
    const thread = open();
    thread.submit('a');
    expect(thread.input('callModel').snapshot).toEqual({ name: 'a', release: [] });
    thread.dispatch({
      type: 'turnSteered',
      steer: { expectedTurnId: 'a', input: [{ type: 'text', text: 'and run it' }] },
    });
    thread.answer('just words');
    expect(thread.input('callModel').snapshot).toEqual({ name: 'a', release: [] });
    call(thread, TAKEN);
    thread.done('execCommand', EXITED);
    expect(thread.input('callModel').snapshot).toBeNull();
  });

  it.each<[string, Partial<ThreadSettings>, boolean]>([
    ['snapshots are off', { snapshots: false }, false],
    ['nothing may write, and nobody can allow it', { sandbox: 'read-only', approvalPolicy: 'never' }, false],
    ['somebody may accept a change', { sandbox: 'read-only', approvalPolicy: 'on-request' }, true],
    ['there is no sandbox', { sandbox: 'danger-full-access', approvalPolicy: 'never' }, true],
  ])('where %s: asked for, or not', (_, settings, asked) => {
    const thread = open(settings);
    thread.submit('a');
    expect(thread.input('callModel').snapshot !== null).toBe(asked);
  });

  it('is recorded before the call that waited for it, with its warnings, each said once in the life of a thread', () => {
    const thread = open();
    const warned: Snapshot = { status: 'taken', commit: 'c0ffee', warnings: ['big.bin is left out'] };
    work(thread, 'a', warned);
    work(thread, 'b', warned);
    const types = thread.state.log.items.map(({ type }) => type);
    expect(types.slice(0, 3)).toEqual(['userMessage', 'ghostSnapshot', 'commandExecution']);
    expect(warnings(thread)).toEqual(['big.bin is left out']);
    expect(thread.state.turns.map(({ snapshot }) => snapshot)).toEqual([
      { status: 'taken', commit: 'c0ffee', after: 'decaf' },
      { status: 'taken', commit: 'c0ffee', after: 'decaf' },
    ]);
  });

  it('that cannot be taken is said once, and no turn fails of it', () => {
    const thread = open();
    work(thread, 'a', NO_REPOSITORY);
    work(thread, 'b', NO_REPOSITORY);
    expect(thread.completions('b')).toMatchObject([{ status: 'completed' }]);
    expect(warnings(thread)).toHaveLength(1);
    expect(thread.state.log.items.some(({ type }) => type === 'ghostSnapshot')).toBe(false);
  });

  it('is let go of beside the next one where it is not among the newest hundred', () => {
    const thread = open();
    for (let n = 0; n < 101; n++) work(thread, `turn-${n}`);
    thread.submit('next');
    expect(thread.input('callModel').snapshot?.release).toEqual(['turn-0']);
    expect(thread.state.turns[0]?.snapshot).toMatchObject({ status: 'missing' });
    call(thread, TAKEN);
    expect(thread.state.snapshots.release).toEqual([]);
  });

  it('that comes for a turn which is stopped is let go of', () => {
    const thread = open();
    thread.submit('a');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const id = thread.stopping[0]!;
    thread.done('callModel', { type: 'answered', output: [], usage: NO_USAGE, snapshot: TAKEN }, id);
    expect(thread.state.snapshots).toMatchObject({ kept: true, release: ['a'] });
  });

  it('is let go of before a thread closes; where that fails it closes all the same', () => {
    for (const message of [null, 'disk full']) {
      const thread = open();
      work(thread, 'a');
      thread.dispatch({ type: 'closeRequested', close: {} });
      expect(thread.state.status).toBe('closing');
      if (message === null) thread.done('releaseSnapshots', null);
      else thread.end('releaseSnapshots', { type: 'failed', failure: { code: 'internal', message, details: {} } });
      expect(thread.state.status).toBe('closed');
      expect(warnings(thread)).toHaveLength(message === null ? 0 : 1);
      expect(thread.state.turns[0]?.snapshot).toMatchObject({ status: 'missing' });
    }
  });

  it('is not thought of when a thread closes that never had one', () => {
    const thread = open();
    thread.submit('a');
    thread.answer('just words');
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(thread.state.status).toBe('closed');
  });

  it('can be a turn by itself', () => {
    const thread = open();
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'now', kind: 'ghost_snapshot', input: [] } });
    thread.done('takeSnapshot', TAKEN);
    expect(thread.completions('now')).toMatchObject([{ status: 'completed', kind: 'ghost_snapshot' }]);
    expect(thread.state.log.items).toMatchObject([{ type: 'ghostSnapshot', commit: 'c0ffee' }]);
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'then', kind: 'ghost_snapshot', input: [] } });
    thread.done('takeSnapshot', NO_REPOSITORY);
    expect(thread.completions('then')).toMatchObject([{ status: 'failed', error: { code: 'snapshotUnavailable' } }]);
  });
});

describe('the end of a turn that may have written', () => {
  it('waits for a snapshot of what it left, with its outcome known', () => {
    const thread = open();
    thread.submit('a');
    call(thread, TAKEN);
    thread.done('execCommand', EXITED);
    thread.answer('done');
    expect(thread.completions('a')).toEqual([]);
    expect(thread.running).toEqual(['snapshot/a/end']);
    expect(thread.input('takeSnapshot')).toMatchObject({ name: 'a', after: 'c0ffee' });
    const steer = { expectedTurnId: 'a', input: [{ type: 'text' as const, text: 'and' }] };
    thread.dispatch({ type: 'turnSteered', steer });
    expect(thread.types()).toContain('message/rejected');
    endLast(thread);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed', lastAgentMessage: 'done' }]);
  });

  it.each<[string, StepEnd<'takeSnapshot'>]>([
    ['fails', { type: 'failed', failure: { code: 'stepTimedOut', message: 'too slow', details: {} } }],
    ['is skipped', { type: 'done', value: NO_REPOSITORY }],
    ['is stopped', { type: 'aborted' }],
  ])('comes all the same where that %s, with a warning', (_, end) => {
    const thread = open();
    thread.submit('a');
    call(thread, TAKEN);
    thread.done('execCommand', EXITED);
    thread.answer('done');
    endLast(thread, end);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(warnings(thread)).toEqual([expect.stringContaining('an undo of it is less exact') as string]);
    expect(thread.state.turns.at(-1)?.snapshot).toEqual({ status: 'taken', commit: 'c0ffee', after: null });
  });

  it('does not wait where nothing was called that writes', () => {
    const thread = open();
    thread.submit('a');
    const output = [{ type: 'toolCall' as const, callId: 'c', name: 'exec_command', arguments: '{"cmd":"ls"}' }];
    thread.done('callModel', { type: 'answered', output, usage: NO_USAGE, snapshot: TAKEN });
    thread.done('execCommand', EXITED);
    thread.answer('done');
    expect(thread.completions('a')).toHaveLength(1);
    expect(thread.state.turns.at(-1)?.snapshot).toEqual({ status: 'taken', commit: 'c0ffee', after: 'c0ffee' });
  });

  it('waits for it after an interrupt, too, and no longer than for quiescence', () => {
    const thread = open();
    thread.submit('a');
    call(thread, TAKEN);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    const aborted = { ...EXITED, outcome: 'aborted' as const, exitCode: null };
    thread.done('execCommand', aborted, thread.running.find((id) => id.startsWith('tool/')) ?? '');
    expect(thread.running.sort()).toEqual(['quiescence/a', 'snapshot/a/end']);
    thread.dispatch({ type: 'timeCame', id: 'quiescence/a', about: { type: 'quiescence', turnId: 'a' } });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', reason: 'interrupted', quiescent: true }]);
    expect(thread.state.turns.at(-1)?.snapshot).toMatchObject({ after: null });
  });

  it('is not held up where the next turn replaces it, or the thread closes', () => {
    for (const [type, close] of [
      ['turn', false],
      ['close', true],
    ] as const) {
      const thread = open();
      thread.submit('a');
      call(thread, TAKEN);
      thread.done('execCommand', EXITED);
      thread.answer('done');
      if (close) thread.dispatch({ type: 'closeRequested', close: {} });
      else thread.submit('b');
      expect(thread.completions('a'), type).toMatchObject([{ status: 'completed' }]);
    }
  });
});

describe('redo', () => {
  const submitRedo = (thread: TestThread, turnId: string) =>
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId, kind: 'redo', input: [] } });

  function undone(): TestThread {
    const thread = open();
    work(thread, 'a');
    work(thread, 'b');
    submitUndo(thread, 'u');
    endUndo(thread, { type: 'done', value: { ...FILES, redo: { before: 'start', after: 'end' } } });
    return thread;
  }

  it('takes the newest undo back, with the end of the files, and undo then finds the turn again', () => {
    const thread = undone();
    expect(thread.state.turns.map(({ turnId }) => turnId)).toEqual(['a', 'u']);
    submitRedo(thread, 'r');
    expect(thread.input('redoFiles')).toMatchObject({ cwd: '/work/repo', before: 'start', after: 'end' });
    const value = { files: { restored: 2, deleted: 0 }, paths: [], morePaths: 0, notRedone: [] };
    thread.done('redoFiles', value);
    expect(thread.completions('r')).toMatchObject([{ status: 'completed' }]);
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'turnsRestored', restored: ['b'], turnId: 'r' });
    submitUndo(thread, 'again');
    expect(undoInput(thread)).toMatchObject({ undone: { turnId: 'b' }, commit: 'c0ffee', after: 'decaf' });
  });

  it('fails once another turn has begun, and where there was no undo', () => {
    const thread = undone();
    thread.submit('c');
    expect(thread.input('callModel').snapshot?.release).toEqual(['b', 'undo/u-start', 'undo/u-end']);
    thread.answer('just words');
    submitRedo(thread, 'r');
    const refused = (reason: RegExp) => [
      { status: 'failed', error: { code: 'nothingToRedo', message: expect.stringMatching(reason) as string } },
    ];
    expect(thread.completions('r')).toMatchObject(refused(/another turn, a review, .* came after it/));
    const fresh = open();
    submitRedo(fresh, 'r');
    expect(fresh.completions('r')).toMatchObject(refused(/: no turn was undone\.$/));
  });
});

describe('undo', () => {
  it('drops the newest regular turn with the end of the files, and lists what it did not reach', () => {
    const thread = open();
    work(thread, 'a');
    work(thread, 'b');
    thread.submit('shell', 'git status', { kind: 'user_shell' });
    thread.done('execCommand', EXITED);
    submitUndo(thread, 'u');
    expect(thread.input('undoFiles')).toMatchObject({
      undone: { turnId: 'b' },
      commit: 'c0ffee',
      cwd: '/work/repo',
    });
    expect(dropped(thread)).toEqual([]);
    endUndo(thread);
    expect(dropped(thread)).toMatchObject([
      {
        turnId: 'u',
        dropped: ['b'],
        cause: 'undo',
        files: { restored: 2, deleted: 1 },
        notUndone: ['Not in the snapshot, so left as it is: big.bin', 'Effects elsewhere, if it had any, of: make'],
      },
    ]);
    expect(thread.completions('u')).toMatchObject([{ status: 'completed', kind: 'undo' }]);
    // They are needed until the undo can no longer be taken back.
    expect(thread.state.snapshots.release).toEqual([]);
    thread.submit('c');
    expect(thread.state.snapshots.release).toEqual(['b']);
  });

  it('walks back turn by turn, and fails where there is none left', () => {
    const thread = open();
    work(thread, 'a');
    work(thread, 'b');
    for (const [undoId, undone] of [
      ['u1', 'b'],
      ['u2', 'a'],
    ] as const) {
      submitUndo(thread, undoId);
      expect(undoInput(thread).undone.turnId).toBe(undone);
      endUndo(thread);
    }
    submitUndo(thread, 'u3');
    expect(thread.completions('u3')).toMatchObject([{ status: 'failed', error: { code: 'nothingToUndo' } }]);
    expect(thread.running).toEqual([]);
  });

  it('drops a turn without a snapshot and says why its files are as they are', () => {
    const thread = open();
    work(thread, 'a', NO_REPOSITORY);
    submitUndo(thread, 'u');
    expect(undoInput(thread).commit).toBeNull();
    endUndo(thread, { type: 'done', value: { ...FILES, files: null, commands: [], notUndone: [] } });
    expect(dropped(thread)).toMatchObject([
      {
        files: null,
        notUndone: [
          'Files are as the turn left them. There is no snapshot: /work/repo is not in the work tree of a git repository.',
        ],
      },
    ]);
  });

  it('has nothing to say of files where the turn only talked', () => {
    const thread = open();
    thread.submit('a');
    thread.answer('just words');
    submitUndo(thread, 'u');
    endUndo(thread, { type: 'done', value: { files: null, commands: [], called: false, notUndone: [] } });
    expect(dropped(thread)).toMatchObject([{ dropped: ['a'], files: null, notUndone: [] }]);
  });

  it.each(['undo', 'ghost_snapshot'] as const)('%s is refused while a turn is active, unless it may wait', (kind) => {
    const thread = open();
    work(thread, 'a');
    thread.submit('b');
    for (const onBusy of [{}, { onBusy: 'replace' }, { onBusy: 'steer' }] as const) {
      thread.dispatch({
        type: 'turnSubmitted',
        turn: { turnId: `no-${JSON.stringify(onBusy)}`, kind, input: [], ...onBusy },
      });
      expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'threadBusy' });
    }
    expect(thread.state.active).toMatchObject({ turnId: 'b', aborting: null });
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'later', kind, input: [], onBusy: 'queue' } });
    thread.answer('done');
    expect(thread.state.active).toMatchObject({ turnId: 'later', kind });
  });

  it('that fails or is stopped drops nothing, and the next one undoes the same turn', () => {
    const thread = open();
    work(thread, 'a');
    submitUndo(thread, 'u1');
    endUndo(thread, { type: 'failed', failure: { code: 'gitFailed', message: 'disk full', details: {} } });
    expect(thread.completions('u1')).toMatchObject([{ status: 'failed', error: { code: 'gitFailed' } }]);
    submitUndo(thread, 'u2');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('undoFiles', UNDONE, thread.stopping[0]);
    expect(thread.completions('u2')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(dropped(thread)).toEqual([]);
    submitUndo(thread, 'u3');
    expect(undoInput(thread).undone.turnId).toBe('a');
  });

  it('waits until nothing of a lost command is left in the workspace', () => {
    const thread = open();
    work(thread, 'a');
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    thread.end('execCommand', { type: 'lost', lastBeat: { output: '' } });
    submitUndo(thread, 'u');
    expect(thread.steps('undoFiles')).toEqual([]);
    thread.done('cleanWorkspace', { ended: 0 });
    expect(thread.steps('undoFiles')).toHaveLength(1);
  });
});

describe('rollback', () => {
  const rollBack = (thread: TestThread, numTurns: number) =>
    thread.dispatch({ type: 'rollbackRequested', rollback: { numTurns } });

  it('drops the newest turns and what came between them, and touches no file', () => {
    const thread = open();
    for (const turnId of ['a', 'b']) work(thread, turnId);
    thread.submit('shell', 'git status', { kind: 'user_shell' });
    thread.done('execCommand', EXITED);
    work(thread, 'c');
    rollBack(thread, 2);
    expect(thread.events().at(-1)).toMatchObject({
      type: 'thread/rolledBack',
      numTurns: 2,
      dropped: ['b', 'shell', 'c'],
    });
    expect(dropped(thread)).toMatchObject([
      { turnId: '', dropped: ['b', 'shell', 'c'], cause: 'rollback', files: null },
    ]);
    expect(thread.running).toEqual([]);
    submitUndo(thread, 'u');
    expect(undoInput(thread).undone.turnId).toBe('a');
  });

  it('is refused where there are not so many turns, and while one is active', () => {
    const thread = open();
    work(thread, 'a');
    rollBack(thread, 2);
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'notEnoughTurns' });
    thread.submit('b');
    rollBack(thread, 1);
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'threadBusy' });
    expect(dropped(thread)).toEqual([]);
  });

  it('takes back the compactions that stand for what is dropped', () => {
    const thread = open();
    const compact = (turnId: string) => {
      thread.dispatch({ type: 'turnSubmitted', turn: { turnId, kind: 'compact', input: [] } });
      const kept = { summary: 'so far', userMessages: [], provider: null };
      const spent = { usage: NO_USAGE, costMicroUsd: null };
      thread.done('compactContext', { type: 'compacted', ...kept, ...spent, droppedEntries: 0 });
    };
    work(thread, 'a');
    compact('first');
    work(thread, 'b');
    compact('second');
    const [first] = thread.state.context.compactions;
    rollBack(thread, 1);
    expect(thread.state.context).toMatchObject({ compactions: [first], tokens: null });
  });
});

describe('what commands of an undone turn did elsewhere', () => {
  const remarks = (files: Partial<UndoneFiles>) => {
    const thread = open();
    work(thread, 'a');
    submitUndo(thread, 'u');
    endUndo(thread, { type: 'done', value: { ...FILES, notUndone: [], ...files } });
    const [item] = dropped(thread);
    return item?.type === 'turnsDropped' ? item.notUndone : [];
  };
  const here = (command: string) => ({ command, cwd: '/work/repo' });

  it('is judged by the whole command, however long, and shown by its beginning', () => {
    const long = `echo ${'x'.repeat(400)}`;
    expect(remarks({ commands: [here(long)] })).toEqual([]);
    const [remark = '', ...others] = remarks({ commands: [here(`${long}; make install`)] });
    expect(others).toEqual([]);
    expect(remark).toContain('echo xxx');
    expect(remark.length).toBeLessThan(400);
  });

  it('is named for the first commands that may write, and counted for the rest', () => {
    const readers = Array.from({ length: 60 }, (_, n) => here(`cat ${n}`));
    const writers = Array.from({ length: 53 }, (_, n) => here(`make ${n}`));
    const named = remarks({ commands: [...readers, ...writers], moreCommands: 4 });
    expect(named).toHaveLength(51);
    expect(named.at(-1)).toBe('Effects elsewhere, if they had any, of 7 more commands.');
  });
});
