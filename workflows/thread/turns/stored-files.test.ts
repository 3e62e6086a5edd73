import { describe, expect, it } from 'vitest';
import type { StoredSnapshots } from '../../../activities/contract.ts';
import type { SubThreadReport } from '../../../src/contract/index.ts';
import { NO_USAGE } from '../state/state.ts';
import { actionIds } from '../state/actions.ts';
import { EXITED, type TestThread, YIELDED, exec, testThread } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';
import { lacksStart, storedSnapshots } from './stored-files.ts';

const MANAGED = { repository: 'https://example.com/shop.git', commit: 'c0' };

function managed(): TestThread {
  const thread = testThread();
  const settings = { ...thread.state.settings, host: 'a', managed: MANAGED, snapshots: true };
  thread.restart({ ...thread.state, settings, snapshots: { ...thread.state.snapshots, after: true } });
  return thread;
}

/** A turn that writes; its snapshots are `<turnId>` and `<turnId>'`. */
function write(thread: TestThread, turnId: string): void {
  thread.submit(turnId);
  const call = {
    type: 'toolCall',
    callId: `call-${turnId}`,
    name: 'exec_command',
    arguments: '{"cmd":"make"}',
  } as const;
  const snapshot = { status: 'taken' as const, commit: turnId, warnings: [] };
  thread.done('callModel', { type: 'answered', output: [call], usage: NO_USAGE, costMicroUsd: 0, snapshot });
  thread.done('execCommand', RAN);
  thread.answer('done');
  thread.done('takeSnapshot', { status: 'taken', commit: `${turnId}'`, warnings: [] });
}

const RAN = EXITED;

const answer = (id: string, commit: string, more: Partial<StoredSnapshots> = {}): StoredSnapshots => ({
  pack: { id, bytes: 100 },
  whole: false,
  newest: { commit, tree: `tree of ${commit}`, files: 2 },
  ...more,
});
const stored = (thread: TestThread) => toThreadView(thread.state).stored;

describe('the files of a managed workspace', () => {
  it('are stored after each turn that wrote, and only what the store does not have', () => {
    const thread = managed();
    write(thread, 'one');
    expect(thread.completions('one')).toHaveLength(1);
    expect(thread.input('storeSnapshots')).toMatchObject({
      ...{ commit: "one'", known: [], newest: null, replaced: [] },
      snapshots: [{ name: 'one', commits: ['one', "one'"] }],
    });
    expect(stored(thread)).toMatchObject({ asOf: null, packs: [], isNewest: false });
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    expect(stored(thread)).toMatchObject({ commit: "one'", files: 2, packs: [{ id: 'p1' }], isNewest: true });
    write(thread, 'two');
    expect(thread.input('storeSnapshots')).toMatchObject({
      ...{ commit: "two'", known: ['one', "one'"], packs: ['p1'], newest: "one'" },
      snapshots: [{ name: 'two', commits: ['two', "two'"] }],
    });
    thread.done('storeSnapshots', answer('p2', "two'"));
    expect(stored(thread)?.packs.map(({ id }) => id)).toEqual(['p1', 'p2']);
    expect(storedSnapshots(thread.state).map(({ name }) => name)).toEqual(['one', 'two']);
    thread.submit('three');
    thread.answer('only words');
    expect(thread.steps('storeSnapshots')).toEqual([]);
  });

  it('are not stored for a thread in a folder that somebody named', () => {
    const thread = managed();
    const { managed: _managed, ...settings } = thread.state.settings;
    thread.restart({ ...thread.state, settings });
    write(thread, 'one');
    expect(thread.steps('storeSnapshots')).toEqual([]);
    expect(stored(thread)).toBeUndefined();
  });

  it('go into the next pack if a turn ends meanwhile, and are looked at after a turn without snapshots', () => {
    const thread = managed();
    write(thread, 'one');
    write(thread, 'two');
    thread.submit('shell', 'touch a', { kind: 'user_shell' });
    thread.done('execCommand', RAN);
    expect(thread.steps('storeSnapshots').map(({ id }) => id)).toEqual(['store/1']);
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    expect(thread.input('storeSnapshots')).toMatchObject({ commit: null, snapshots: [{ name: 'two' }] });
    expect(thread.step('storeSnapshots').onWorkspace).toBe(true);
    thread.done('storeSnapshots', answer('p2', 'fresh'));
    expect(stored(thread)).toMatchObject({ commit: 'fresh', isNewest: true });
    expect(thread.state.snapshots.kept).toBe(true);
  });

  it('become one pack when there are many, or they are large, and the others are removed', () => {
    const thread = managed();
    for (let turn = 1; turn <= 20; turn += 1) {
      write(thread, `t${turn}`);
      thread.done(
        'storeSnapshots',
        answer(`p${turn}`, `t${turn}'`, {
          whole: turn === 1,
          pack: { id: `p${turn}`, bytes: turn === 1 ? 1_000 : 10 },
        }),
      );
    }
    expect(stored(thread)?.packs).toHaveLength(20);
    write(thread, 'next');
    expect(thread.input('storeSnapshots').known).toEqual([]);
    expect(thread.input('storeSnapshots').snapshots).toHaveLength(21);
    thread.done('storeSnapshots', answer('all', "next'", { whole: true }));
    expect(stored(thread)?.packs).toEqual([{ id: 'all', bytes: 100 }]);
    write(thread, 'large');
    expect(thread.input('storeSnapshots').replaced).toHaveLength(20);
    thread.done('storeSnapshots', answer('large', "large'", { pack: { id: 'large', bytes: 401 } }));
    write(thread, 'again');
    expect(thread.input('storeSnapshots')).toMatchObject({ known: [], replaced: [] });
  });

  it('are stored later if the store is away, with one warning', () => {
    const thread = managed();
    write(thread, 'one');
    const failure = { code: 'storeUnavailable', message: 'it is down', details: {} };
    for (const pause of [30_000, 60_000, 120_000]) {
      thread.end('storeSnapshots', { type: 'failed', failure });
      expect(stored(thread)?.isNewest).toBe(false);
      const timer = thread.action('awaitTime');
      expect(timer.at - thread.at).toBeLessThanOrEqual(pause);
      thread.at = timer.at;
      thread.dispatch({ type: 'timeCame', id: timer.id, about: timer.about });
    }
    const warnings = thread.events().filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([{ message: expect.stringContaining('it is down') as string }]);
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    expect(stored(thread)).toMatchObject({ commit: "one'", isNewest: true });
    expect(thread.actions('awaitTime')).toEqual([]);
  });

  it('are stored before the thread closes, which does not wait for a store that is away', () => {
    for (const isAway of [false, true]) {
      const thread = managed();
      write(thread, 'one');
      thread.dispatch({ type: 'closeRequested', close: {} });
      expect(thread.steps('releaseSnapshots')).toEqual([]);
      const failure = { code: 'storeUnavailable', message: 'it is down', details: {} };
      if (isAway) thread.end('storeSnapshots', { type: 'failed', failure });
      else thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
      thread.done('releaseSnapshots', null);
      expect(thread.types().at(-1)).toBe('thread/closed');
    }
  });
});

/** A turn that writes and starts an agent, which is at work. */
function writeWithAgent(thread: TestThread, turnId: string): void {
  thread.submit(turnId);
  const spawn = { name: 'spawn_agent', arguments: { task_name: 'helper', message: 'write' } };
  const call = { type: 'toolCall', callId: 'c', name: spawn.name, arguments: JSON.stringify(spawn.arguments) } as const;
  const snapshot = { status: 'taken' as const, commit: turnId, warnings: [] };
  thread.done('callModel', { type: 'answered', output: [call], usage: NO_USAGE, costMicroUsd: 0, snapshot });
  thread.dispatch({ type: 'childStarted', id: actionIds.child('t1/1'), failure: null });
  thread.answer('done');
  thread.done('takeSnapshot', { status: 'taken', commit: `${turnId}'`, warnings: [] });
}

const COMPLETED = { turnId: 'task', kind: 'regular', startedAt: 1, durationMs: 1, usage: NO_USAGE } as const;
const say = (thread: TestThread, report: SubThreadReport) =>
  thread.dispatch({ type: 'subThreadReported', message: { threadId: 't1/1', report } });
const agentEnds = (thread: TestThread) =>
  say(thread, { type: 'turnCompleted', turn: { ...COMPLETED, status: 'completed', lastAgentMessage: 'written' } });

/** A turn that writes and leaves a command running. */
function leaveRunning(thread: TestThread, turnId: string): void {
  write(thread, turnId);
  thread.done('storeSnapshots', answer(`of ${turnId}`, `${turnId}'`, { whole: true }));
  thread.submit('leaves');
  thread.answer(exec('npm run dev'));
  const { index } = thread.input('execCommand');
  thread.done('execCommand', { ...EXITED, ...YIELDED, key: `key ${index}` });
  thread.answer('it runs');
}

describe('the files that are stored before a move', () => {
  it('are those of now, whatever the snapshot of the last turn has', () => {
    const thread = managed();
    write(thread, 'one');
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    thread.dispatch({ type: 'storeRequested' });
    expect(thread.input('storeSnapshots')).toMatchObject({ commit: null, newest: "one'" });
    expect(thread.step('storeSnapshots').onWorkspace).toBe(true);
    thread.done('storeSnapshots', answer('p2', 'fresh'));
    expect(stored(thread)).toMatchObject({ commit: 'fresh', isNewest: true });
  });

  it('are those of now also if another request is under way, and after turns were rolled back', () => {
    const thread = managed();
    write(thread, 'one');
    write(thread, 'two');
    thread.dispatch({ type: 'rollbackRequested', rollback: { numTurns: 1 } });
    thread.dispatch({ type: 'storeRequested' });
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    expect(thread.input('storeSnapshots').commit).toBeNull();
  });

  it('are stored once the commands that were left running have ended', () => {
    const thread = managed();
    leaveRunning(thread, 'one');
    thread.dispatch({ type: 'storeRequested' });
    expect(thread.steps('storeSnapshots')).toEqual([]);
    thread.done('cleanWorkspace', { ended: 1, gone: true });
    expect(thread.input('storeSnapshots').commit).toBeNull();
    thread.done('storeSnapshots', answer('p2', 'fresh'));
    expect(thread.steps('storeSnapshots')).toEqual([]);
    expect(stored(thread)).toMatchObject({ commit: 'fresh', isNewest: true });
  });

  it('are as an earlier release chose them in a run that it began', () => {
    const thread = managed();
    thread.restart({ ...thread.state, decisions: 7 });
    leaveRunning(thread, 'one');
    thread.dispatch({ type: 'storeRequested' });
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    thread.restart({ ...thread.state, turns: thread.state.turns.slice(0, 1), stored: undefined! });
    thread.dispatch({ type: 'storeRequested' });
    expect(thread.input('storeSnapshots').commit).toBe("one'");
  });
});

describe('files that were written after the end of a turn', () => {
  it('are stored when the agent that wrote them has ended', () => {
    const thread = managed();
    writeWithAgent(thread, 'one');
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    expect(stored(thread)?.isNewest).toBe(true);
    agentEnds(thread);
    expect(stored(thread)?.isNewest).toBe(false);
    expect(thread.input('storeSnapshots').commit).toBeNull();
    thread.done('storeSnapshots', answer('p2', 'fresh'));
    expect(stored(thread)).toMatchObject({ commit: 'fresh', isNewest: true });
  });

  it('are stored with a turn that wrote nothing, if an agent ended during it', () => {
    const thread = managed();
    writeWithAgent(thread, 'one');
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    thread.submit('two');
    agentEnds(thread);
    expect(thread.steps('storeSnapshots')).toEqual([]);
    thread.answer('only words');
    // The end of the agent brings the turn another model step.
    if (thread.steps('callModel').length > 0) thread.answer('only words');
    expect(thread.completions('two')).toHaveLength(1);
    expect(thread.input('storeSnapshots').commit).toBeNull();
  });

  it('are looked at after every turn if turns take no snapshots', () => {
    const thread = managed();
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, snapshots: false } });
    thread.submit('one');
    thread.answer('done');
    expect(thread.input('storeSnapshots').commit).toBeNull();
  });

  it('are stored when a command that was left running has ended, or was stopped', () => {
    for (const how of ['ends', 'stopped'] as const) {
      const thread = managed();
      leaveRunning(thread, 'one');
      const [session] = thread.state.sessions ?? [];
      const ended = { id: session?.id ?? 0, report: EXITED };
      if (how === 'ends') thread.done('awaitSessions', { ended: [ended] });
      else thread.dispatch({ type: 'interruptRequested', interrupt: {} });
      if (how === 'stopped') thread.done('cleanWorkspace', { ended: 1, gone: true });
      expect(thread.input('storeSnapshots').commit).toBeNull();
    }
  });

  it('are stored before the thread closes, if agents are open or commands run', () => {
    const thread = managed();
    writeWithAgent(thread, 'one');
    thread.done('storeSnapshots', answer('p1', "one'", { whole: true }));
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(thread.input('storeSnapshots').commit).toBeNull();
    thread.done('storeSnapshots', answer('p2', 'fresh'));
    thread.done('releaseSnapshots', null);
    expect(thread.types().at(-1)).toBe('thread/closed');

    const other = managed();
    leaveRunning(other, 'one');
    other.dispatch({ type: 'closeRequested', close: {} });
    other.done('cleanWorkspace', { ended: 1, gone: true });
    expect(other.input('storeSnapshots').commit).toBeNull();
  });
});

describe('a thread that begins in files that are there', () => {
  it('stores them at once, since a clone does not have them', () => {
    const thread = managed();
    thread.dispatch({ type: 'threadOpened', warnings: [] });
    expect(thread.steps('storeSnapshots')).toEqual([]);
    thread.dispatch({ type: 'threadOpened', warnings: [], joins: true });
    expect(thread.input('storeSnapshots')).toMatchObject({ commit: null, known: [] });
    expect(lacksStart(thread.state)).toBe(true);
    thread.done('storeSnapshots', answer('p1', 'fresh', { whole: true }));
    expect(stored(thread)).toMatchObject({ commit: 'fresh', isNewest: true });
    expect(lacksStart(thread.state)).toBe(false);
  });

  it('stores nothing at once in a folder that somebody named, as an agent, or in a run of an earlier release', () => {
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const, name: 'x' };
    for (const how of ['named', 'agent', 'earlier'] as const) {
      const thread = managed();
      const { managed: repository, ...settings } = thread.state.settings;
      const changed = {
        named: { settings },
        agent: { settings: { ...thread.state.settings, parent } },
        earlier: { decisions: 7 as const },
      }[how];
      thread.restart({ ...thread.state, ...changed });
      thread.dispatch({ type: 'threadOpened', warnings: [], joins: true });
      expect(repository).toBe(MANAGED);
      expect(thread.steps('storeSnapshots')).toEqual([]);
    }
  });

  it('is a former agent that is resumed, too', () => {
    const thread = managed();
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const, name: 'x' };
    const settings = { ...thread.state.settings, parent };
    thread.restart({ ...thread.state, status: 'closed', settings });
    thread.dispatch({ type: 'threadResumed' });
    expect(thread.input('storeSnapshots').commit).toBeNull();
    expect(lacksStart(thread.state)).toBe(true);
  });

  it('is one that is moved into a clone, too', () => {
    const thread = managed();
    const { managed: repository, ...settings } = thread.state.settings;
    thread.restart({ ...thread.state, settings });
    const place = { host: 'b', cwd: '/clone', root: '/clone', managed: MANAGED };
    const receipt = { restored: null, notRestored: [], quiescent: true };
    const move = { from: { host: 'a', cwd: '/x' }, to: { host: 'b', cwd: '/clone' }, asOf: 1, receipt };
    thread.dispatch({ type: 'workspaceMoved', move, place });
    expect(repository).toBe(MANAGED);
    expect(thread.input('storeSnapshots').commit).toBeNull();
  });
});
