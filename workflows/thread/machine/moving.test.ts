import { describe, expect, it } from 'vitest';
import type { MoveThread } from '../../../src/contract/index.ts';
import { refuseMove } from './admission.ts';
import { toMove } from './moving.ts';
import { EXITED, SETTINGS, type TestThread, YIELDED, exec, testThread } from '../testing/fixtures.ts';
import { resumed } from '../past/resume.ts';
import { toContext } from '../view/view.ts';
import { newThreadState } from '../state/state.ts';

const AT = { host: 'a', cwd: '/work/repo' };
const TO = { host: 'b', cwd: '/srv/repo' };

function onHost(): TestThread {
  const thread = testThread();
  thread.restart({
    ...thread.state,
    settings: {
      ...thread.state.settings,
      ...AT,
      rulesAt: { host: 'a', repository: '/work/repo', folder: '/work/repo', prefix: '' },
    },
  });
  return thread;
}

function move(thread: TestThread, quiescent = true): void {
  const place = { ...TO, root: '/srv/repo' };
  thread.dispatch({ type: 'moveBegan', to: TO });
  thread.dispatch({
    type: 'workspaceMoved',
    move: toMove(thread.state, { from: AT, place, restored: null, quiescent, at: 7 }),
    place,
  });
}

const codeOf = (thread: TestThread, wanted: MoveThread = TO) => refuseMove(thread.state, wanted)?.code;

describe('a move', () => {
  it('is refused while the thread is busy, closed, or in that place already', () => {
    const thread = onHost();
    expect(codeOf(thread)).toBeUndefined();
    expect(codeOf(thread, AT)).toBe('samePlace');
    expect(codeOf(thread, { cwd: '/work/repo' })).toBe('samePlace');
    expect(codeOf(thread, { cwd: '/work/other' })).toBeUndefined();
    expect(codeOf(thread, { host: 'b' })).toBe('notMovable');
    thread.submit('turn');
    expect(codeOf(thread)).toBe('threadBusy');
    thread.answer('done');
    expect(codeOf(thread)).toBeUndefined();
    thread.dispatch({ type: 'moveBegan', to: TO });
    expect(codeOf(thread)).toBe('threadBusy');
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(codeOf(thread)).toBe('threadClosed');
  });

  it('needs no folder in a group of hosts that share it', () => {
    const thread = onHost();
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, hostGroup: 'g' } });
    expect([codeOf(thread, {}), codeOf(thread, { host: 'b' }), codeOf(thread)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(codeOf(thread, { host: 'a' })).toBe('samePlace');
  });

  it('is refused to an agent, to a thread without a host, and while agents are open', () => {
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const, name: 'x' };
    const unbound = newThreadState('t', SETTINGS, 1);
    expect(refuseMove(unbound, TO)?.code).toBe('notMovable');
    const bound = { ...unbound, settings: { ...SETTINGS, host: 'a' } };
    expect(refuseMove({ ...bound, settings: { ...bound.settings, parent } }, TO)?.code).toBe('notMovable');
    const child = {
      ...{ threadId: 't/1', name: 'x', role: 'agent' as const, turnId: 't', lastAgentMessage: null, start: null },
      ...{ openTurns: 0, closing: false, news: null, held: false, waits: false, spent: bound.budget.own },
    };
    expect(refuseMove({ ...bound, children: [{ ...child, status: 'completed' }] }, TO)?.code).toBe('agentsOpen');
    expect(refuseMove({ ...bound, children: [{ ...child, status: 'shutdown' }] }, TO)).toBeNull();
  });

  it('lets turns wait until it has ended, however it ends', () => {
    for (const end of ['moved', 'failed'] as const) {
      const thread = onHost();
      thread.dispatch({ type: 'moveBegan', to: TO });
      thread.submit('turn');
      expect(thread.types()).not.toContain('turn/started');
      if (end === 'failed') thread.dispatch({ type: 'moveFailed', reason: 'why' });
      else move(thread);
      expect(thread.types().at(-1)).not.toBe('workspace/bound');
      expect(thread.state.active?.turnId).toBe('turn');
      expect(thread.state.settings.host).toBe(end === 'failed' ? 'a' : 'b');
    }
  });

  it('gives the thread its place, and nothing of the one before', () => {
    const thread = onHost();
    move(thread, false);
    expect(thread.state.settings).toMatchObject({ ...TO, root: '/srv/repo', moved: { from: AT, to: TO, asOf: 7 } });
    expect(thread.state.settings).not.toHaveProperty('rulesAt');
    expect(thread.events().at(-1)).toMatchObject({ type: 'workspace/moved', receipt: { quiescent: false } });
    expect(toContext(thread.state, 0).settings.host).toBe('b');
  });

  it('waits for no clean-up on the former host', () => {
    const thread = onHost();
    thread.restart({ ...thread.state, cleanUp: { number: 1, commandIds: ['tool/t/1'] }, cleanUps: 1 });
    expect(thread.steps('cleanWorkspace')).toHaveLength(1);
    move(thread, false);
    expect(thread.state.cleanUp).toBeNull();
    expect(thread.stopping).toEqual(['clean/1']);
    thread.end('cleanWorkspace', { type: 'aborted' }, 'clean/1');
    thread.submit('turn');
    expect(thread.steps('callModel')).toHaveLength(1);
  });

  it('comes before the next run, and so does what it waits for', () => {
    const thread = onHost();
    const managed = { repository: 'https://h/r', commit: 'c'.repeat(40) };
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, managed } });
    thread.dispatch({ type: 'moveBegan', to: TO });
    thread.dispatch({ type: 'rolloverDue' });
    expect(thread.actions('continueAsNew')).toEqual([]);
    thread.dispatch({ type: 'storeRequested' });
    const newest = { commit: 'c', tree: 't', files: 1 };
    thread.done('storeSnapshots', { newest, pack: { id: 'p', bytes: 1 }, whole: true });
    expect(thread.actions('continueAsNew')).toEqual([]);
    move(thread);
    expect(thread.actions('continueAsNew')).toHaveLength(1);
  });

  it('says what may be missing of files that were restored', () => {
    const thread = onHost();
    const managed = { repository: 'https://h/r', commit: 'c'.repeat(40) };
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, managed } });
    const restored = { restored: { commit: 'd', tree: 't', files: 3 }, notRestored: [] };
    const notRestored = (ended: number) => {
      const place = { ...TO, root: '/srv/repo' };
      return toMove(thread.state, { from: AT, place, restored, quiescent: true, ended, at: 7 }).receipt.notRestored;
    };
    expect(notRestored(0)).toEqual([]);
    expect(notRestored(2)).toEqual(['2 commands that were left running have ended for the thread.']);
    thread.submit('turn');
    const later =
      'Changes that were made after that time, such as those of a turn that has not ended, are not in the store.';
    expect(notRestored(0)).toEqual([later]);
    thread.answer(exec('npm run dev'));
    thread.done('execCommand', { ...EXITED, ...YIELDED, key: 'key' });
    thread.answer('it runs');
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, managed } });
    const one = '1 command that was left running has ended for the thread.';
    expect(notRestored(0)).toEqual([later, one]);
  });

  it('says that nothing was stored of files in which the thread began', () => {
    const thread = onHost();
    const managed = { repository: 'https://h/r', commit: 'c'.repeat(40) };
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, managed } });
    const restored = { restored: { commit: 'd', tree: 't', files: 3 }, notRestored: ['ignored'] };
    const toPlace = { from: AT, place: { ...TO, root: '/srv/repo' }, restored, quiescent: true, at: 7 };
    const only = `No file of /work/repo on host a was in the store: the files are those of commit ${managed.commit} of https://h/r.`;
    const expected = { asOf: 7, receipt: { restored: null, notRestored: [only], quiescent: true } };
    const fork = { ...thread.state, forkedFrom: { threadId: 'source', turnId: null } };
    expect(toMove(fork, toPlace)).toMatchObject(expected);
    expect(toMove(thread.state, toPlace)).toMatchObject({ receipt: restored });
    thread.dispatch({ type: 'threadOpened', warnings: [], joins: true });
    expect(toMove(thread.state, toPlace)).toMatchObject(expected);
    const newest = { commit: 'd', tree: 't', files: 3 };
    thread.done('storeSnapshots', { newest, pack: { id: 'p', bytes: 1 }, whole: true });
    expect(toMove(thread.state, toPlace)).toMatchObject({ receipt: restored });
  });

  it('keeps what each turn says of its files true', () => {
    const thread = onHost();
    const record = { kind: 'regular' as const, status: 'completed' as const, firstItem: 0, endItem: 0 };
    const turns = [
      { ...record, turnId: 'wrote', snapshot: { status: 'taken' as const, commit: 'c', after: 'd' } },
      { ...record, turnId: 'read', snapshot: { status: 'taken' as const, commit: 'c', after: 'c' } },
      { ...record, turnId: 'none', snapshot: null },
    ];
    thread.restart({ ...thread.state, turns });
    move(thread);
    expect(thread.state.turns.map(({ snapshot }) => snapshot)).toEqual([
      { status: 'missing', reason: 'it is on host a, where the thread worked then.', host: 'a' },
      { status: 'missing', reason: 'it changed no file.' },
      null,
    ]);
    thread.restart({ ...thread.state, turns: thread.state.turns.slice(0, 1) });
    thread.submit('undo', '', { kind: 'undo', input: [] });
    expect(thread.completions('undo')).toMatchObject([{ status: 'failed', error: { code: 'snapshotElsewhere' } }]);
    expect(thread.state.turns.map(({ turnId }) => turnId)).toEqual(['wrote', 'undo']);
  });

  it('that its workflow did not survive is over for the next run', () => {
    const thread = onHost();
    thread.dispatch({ type: 'moveBegan', to: TO });
    expect(resumed(thread.state)).not.toHaveProperty('moving');
  });
});
