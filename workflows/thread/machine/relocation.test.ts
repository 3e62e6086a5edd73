import { describe, expect, it } from 'vitest';
import { DECISIONS, type Decisions } from '../../../src/contract/plain/decisions.ts';
import { EXITED, type TestThread, exec, testThread } from '../testing/fixtures.ts';
import { toMove } from './moving.ts';

const AWAY = { type: 'failed', failure: { code: 'hostAway', message: 'No worker', details: {} } } as const;
const AT = { host: 'a', cwd: '/work/repo' };
const MANAGED = { managed: { repository: 'https://h/r', commit: 'c'.repeat(40) } };

const onHost = (more: object = MANAGED): TestThread =>
  testThread({ ...AT, hostProbeMs: 10_000, hostGraceMs: 60_000, snapshots: true, approvalPolicy: 'never', ...more });

function moved(thread: TestThread, cwd = '/elsewhere/repo'): void {
  const place = { host: 'b', cwd, root: cwd };
  const restored = { restored: { commit: 'd', tree: 't', files: 3 }, notRestored: [] };
  thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: '' } });
  const move = toMove(thread.state, { from: AT, place, restored, quiescent: false, at: 7 });
  thread.dispatch({ type: 'workspaceMoved', move, place });
}

const relocations = (thread: TestThread) => thread.actions('relocate').length;

describe('a turn whose host is lost', () => {
  it('goes on where the thread is moved, from the step that nobody has taken', () => {
    const thread = onHost();
    thread.submit('turn');
    const { id } = thread.step('callModel');
    thread.end('callModel', AWAY);
    expect([relocations(thread), thread.steps('callModel').length]).toEqual([1, 0]);
    moved(thread);
    expect(relocations(thread)).toBe(0);
    expect(thread.step('callModel').id).toBe(id);
    thread.answer('done');
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed' }]);
    expect(thread.types()).toContain('workspace/moved');
  });

  it('waits until nothing is under way there, and tells the model what became of its calls', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.answer(exec('ls'), exec('cat a'));
    const [one, two] = thread.steps('execCommand');
    thread.end('execCommand', AWAY, one?.id);
    expect(relocations(thread)).toBe(0);
    thread.end('execCommand', { type: 'lost', lastBeat: {} }, two?.id);
    expect([relocations(thread), thread.steps('callModel').length, thread.steps('cleanWorkspace').length]).toEqual([
      1, 0, 0,
    ]);
    moved(thread);
    expect(thread.steps('cleanWorkspace')).toHaveLength(0);
    expect(thread.step('callModel').input.snapshot).toMatchObject({ name: 'turn' });
    expect(thread.state.log.items).toMatchObject([
      { type: 'userMessage' },
      { type: 'commandExecution', status: 'lost' },
      { type: 'commandExecution', status: 'lost' },
    ]);
  });

  it('is moved when a clean-up there is all that is left', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.answer(exec('one'));
    thread.end('execCommand', { type: 'lost', lastBeat: {} });
    const { id } = thread.step('callModel');
    thread.end('cleanWorkspace', AWAY);
    expect(relocations(thread)).toBe(0);
    thread.end('callModel', AWAY, id);
    expect(relocations(thread)).toBe(1);
    moved(thread);
    expect(thread.step('callModel').input.step).toBe(2);
  });

  it('fails as on a single host if it cannot be moved, and the next turn tries again', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.end('callModel', AWAY);
    thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: '' } });
    thread.dispatch({ type: 'moveFailed', reason: 'no other host' });
    expect(thread.events().at(-1)).toMatchObject({
      type: 'warning',
      message: 'Host a is away, and the thread could not be moved to another one: no other host',
    });
    thread.end('callModel', AWAY);
    expect(thread.completions('turn')).toMatchObject([{ status: 'failed', error: { code: 'hostAway' } }]);
    expect(relocations(thread)).toBe(0);
    thread.submit('next');
    thread.end('callModel', AWAY);
    expect(relocations(thread)).toBe(1);
  });

  it('stays if its host comes back before the move has begun', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.answer(exec('ls'), exec('cat a'));
    const [one, two] = thread.steps('execCommand');
    thread.end('execCommand', AWAY, one?.id);
    thread.done('execCommand', { ...EXITED, key: 'k' }, two?.id);
    expect([relocations(thread), thread.steps('callModel').length]).toEqual([0, 1]);
  });

  it('stays if only a step is not taken that waits for less than the grace time', () => {
    const thread = onHost({ ...MANAGED, approvalPolicy: 'untrusted' });
    thread.submit('turn');
    thread.answer(exec('make'));
    thread.dispatch({ type: 'storeRequested' });
    thread.end('storeSnapshots', AWAY);
    expect([relocations(thread), thread.state.requests.length]).toEqual([0, 1]);
    expect(thread.events().at(-1)).toMatchObject({ type: 'warning' });
    thread.restart({ ...thread.state, decisions: 7 });
    thread.dispatch({ type: 'storeRequested' });
    thread.end('storeSnapshots', AWAY);
    expect(relocations(thread)).toBe(1);
  });

  it('stays if the host that is away is one that the thread has left', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.end('cleanWorkspace', { ...AWAY, failure: { ...AWAY.failure, details: { host: 'z' } } }, 'behind/1');
    expect(thread.state.relocation).toBeUndefined();
  });

  it('is not moved if its thread is interrupted or closed, has a folder of a person, or is an agent', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('callModel', AWAY, thread.stopping[0]);
    expect(thread.completions('turn')).toMatchObject([{ status: 'aborted' }]);
    expect(relocations(thread)).toBe(0);
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const, name: 'x' };
    for (const other of [{}, { ...MANAGED, parent }]) {
      const fixed = onHost(other);
      fixed.submit('turn');
      fixed.end('callModel', AWAY);
      expect(fixed.completions('turn')).toMatchObject([{ status: 'failed', error: { code: 'hostAway' } }]);
    }
  });

  it('ends with the move if its outcome is known by then, without a snapshot of the files that it leaves', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.answer(exec('make'));
    const { active } = thread.state;
    thread.restart({ ...thread.state, active: { ...active!, snapshot: { status: 'taken', commit: 'c' } } });
    thread.end('execCommand', { type: 'lost', lastBeat: {} });
    thread.end('cleanWorkspace', AWAY);
    thread.end('callModel', { type: 'failed', failure: { ...AWAY.failure, code: 'modelServerError' } });
    expect([relocations(thread), thread.steps('takeSnapshot').length, thread.completions('turn')]).toEqual([1, 0, []]);
    moved(thread);
    expect(thread.completions('turn')).toMatchObject([{ status: 'failed', error: { code: 'modelServerError' } }]);
    expect(thread.state.turns).toMatchObject([{ snapshot: { status: 'missing', host: 'a' } }]);
    thread.submit('next');
    expect(thread.input('callModel').turnId).toBe('next');
  });

  it('ends while it is moved, if it is interrupted then', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.end('callModel', AWAY);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.completions('turn')).toMatchObject([{ status: 'aborted' }]);
    expect(relocations(thread)).toBe(1);
    thread.submit('next');
    moved(thread);
    expect(thread.step('callModel').input.turnId).toBe('next');
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(relocations(thread)).toBe(0);
  });
});

describe('a thread that is closed while it is moved', () => {
  it('says nothing once it is closed', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.end('callModel', AWAY);
    thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: '' } });
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(thread.types().at(-1)).toBe('thread/closed');
    thread.dispatch({ type: 'moveFailed', reason: 'it was closed' });
    expect(thread.types().at(-1)).toBe('thread/closed');
    expect(thread.state.moving).toBeUndefined();
  });

  it('closes although its host is away, if the move is called off', () => {
    const { thread } = closedOnLostHost();
    thread.end('cleanWorkspace', AWAY);
    thread.end('storeSnapshots', AWAY);
    expect([thread.state.status, thread.types().at(-1)]).toEqual(['closed', 'thread/closed']);
    expect(thread.completions('turn')).toMatchObject([{ status: 'aborted', reason: 'threadClosed' }]);
  });

  it('closes although its host is away before the step that nobody takes has ended', () => {
    const thread = onHost({ ...MANAGED, snapshots: false });
    thread.submit('turn');
    thread.answer(exec('ls'), exec('cat a'));
    const [one, two] = thread.steps('execCommand');
    thread.end('execCommand', AWAY, one?.id);
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.end('execCommand', AWAY, two?.id);
    for (const { id } of thread.steps('cleanWorkspace')) thread.end('cleanWorkspace', AWAY, id);
    for (const { id } of thread.steps('cleanWorkspace')) thread.end('cleanWorkspace', AWAY, id);
    thread.end('storeSnapshots', AWAY);
    expect(thread.types().at(-1)).toBe('thread/closed');
  });

  it('asks again for the clean-up, in a run that an earlier release began', () => {
    const { thread, cleanUp } = closedOnLostHost(8);
    thread.end('cleanWorkspace', AWAY);
    expect([thread.state.status, thread.step('cleanWorkspace').id]).toEqual(['closing', cleanUp]);
  });

  /** A command was lost with the host, and the person closes the thread during the move. */
  function closedOnLostHost(decisions: Decisions = DECISIONS): { thread: TestThread; cleanUp: string } {
    const thread = onHost({ ...MANAGED, snapshots: false });
    thread.restart({ ...thread.state, decisions });
    thread.submit('turn');
    thread.answer(exec('make'));
    thread.end('execCommand', { type: 'lost', lastBeat: {} });
    const { id: cleanUp } = thread.step('cleanWorkspace');
    thread.end('cleanWorkspace', AWAY);
    thread.end('callModel', AWAY);
    expect(relocations(thread)).toBe(1);
    thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: '' } });
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.dispatch({ type: 'moveFailed', reason: 'it was closed' });
    return { thread, cleanUp };
  }

  it('does not say either what was found on a host that it has left', () => {
    const thread = onHost();
    const leftBehind = [{ host: 'z', commandIds: ['tool/t1/1'], cleanUp: 1 }];
    thread.restart({ ...thread.state, leftBehind, cleanUps: 1 });
    const { id } = thread.step('cleanWorkspace');
    thread.dispatch({ type: 'closeRequested', close: {} });
    thread.end('cleanWorkspace', { type: 'done', value: { ended: 0, gone: true } }, id);
    expect(thread.types().at(-1)).toBe('thread/closed');
  });
});

describe('what has not run when the host is lost', () => {
  const PATCH = '*** Begin Patch\n*** Add File: a\n+a\n*** End Patch';
  const patch = { name: 'apply_patch', arguments: { input: PATCH } };

  /** The host is lost while a command of the person runs in parallel with the calls. */
  function loseHost(thread: TestThread): void {
    thread.submit('shell', 'git status', { kind: 'user_shell' });
    const step = thread.steps('execCommand').find(({ turnId }) => turnId === 'shell');
    thread.end('execCommand', { type: 'lost', lastBeat: {} }, step?.id);
    thread.end('cleanWorkspace', AWAY);
    expect(relocations(thread)).toBe(1);
  }
  const items = (thread: TestThread) => thread.state.log.items.filter(({ turnId }) => turnId === 'turn').slice(1);
  const unrun = { status: 'failed', output: expect.stringContaining('before it ran') as string };

  it('is not run in the folder of the lost host, and a request for it is withdrawn', () => {
    const thread = onHost({ ...MANAGED, approvalPolicy: 'untrusted' });
    thread.submit('turn');
    thread.answer(exec('make', { workdir: 'src' }), patch, exec('ls', { workdir: '/tmp' }));
    const [request] = thread.state.requests;
    loseHost(thread);
    moved(thread);
    expect(items(thread)).toMatchObject([unrun, unrun, unrun]);
    expect(thread.state.requests).toEqual([]);
    const resolved = { type: 'serverRequest/resolved', requestId: request?.requestId, decision: 'cancel', by: 'abort' };
    expect(thread.events()).toContainEqual(expect.objectContaining(resolved));
    thread.answer(exec('make'));
    expect(thread.state.requests).toMatchObject([{ cwd: '/elsewhere/repo', workspace: '/elsewhere/repo' }]);
  });

  it('is not run in it either if it was held back since it was accepted', () => {
    const thread = onHost({ ...MANAGED, approvalPolicy: 'untrusted' });
    thread.submit('turn');
    thread.answer({ ...patch, arguments: { input: PATCH.replace('File: a', 'File: /etc/a') } });
    loseHost(thread);
    const requestId = thread.state.requests[0]?.requestId ?? '';
    thread.dispatch({ type: 'requestAnswered', answer: { requestId, decision: 'accept' }, by: 'person' });
    moved(thread);
    expect(items(thread)).toMatchObject([unrun]);
    expect([thread.steps('applyPatch').length, thread.steps('callModel').length]).toEqual([0, 1]);
  });

  it('fails, if it is a command of a person', () => {
    const thread = onHost();
    thread.submit('turn');
    thread.answer(exec('ls'));
    thread.end('execCommand', { type: 'lost', lastBeat: {} });
    thread.end('cleanWorkspace', AWAY);
    thread.submit('shell', 'git status', { kind: 'user_shell' });
    thread.end('callModel', AWAY);
    moved(thread);
    expect(thread.completions('shell')).toMatchObject([{ status: 'failed', error: { code: 'hostAway' } }]);
    expect(thread.steps('execCommand')).toEqual([]);
    expect(thread.state.log.items.at(-1)).toMatchObject(unrun);
  });

  it('goes on if it has nothing to do with the folder, or the folder is the same', () => {
    const asking = {
      name: 'request_user_input',
      arguments: { questions: [{ id: 'q', header: 'h', question: 'why?' }] },
    };
    const thread = onHost();
    thread.submit('turn');
    thread.answer(asking);
    loseHost(thread);
    moved(thread);
    expect(thread.state.requests).toMatchObject([{ type: 'userInput' }]);
    const shared = onHost({ ...MANAGED, approvalPolicy: 'untrusted' });
    shared.submit('turn');
    shared.answer(exec('make'));
    loseHost(shared);
    moved(shared, AT.cwd);
    expect(shared.state.requests).toMatchObject([{ type: 'commandExecution', cwd: AT.cwd }]);
  });

  it('runs where it did, in a run that an earlier release began', () => {
    const thread = onHost({ ...MANAGED, approvalPolicy: 'untrusted' });
    thread.restart({ ...thread.state, decisions: 7 });
    thread.submit('turn');
    thread.answer(exec('make'));
    loseHost(thread);
    moved(thread);
    expect(thread.state.requests).toMatchObject([{ cwd: AT.cwd }]);
  });
});

describe('a thread in a folder that a group of hosts shares', () => {
  const ROOT = '/work/repo';
  const inGroup = () => onHost({ hostGroup: 'g', root: ROOT });

  function taken(): { thread: TestThread; commandId: string } {
    const thread = inGroup();
    thread.submit('turn');
    thread.answer(exec('ls'));
    const { id } = thread.step('execCommand');
    thread.end('execCommand', { type: 'lost', lastBeat: {} });
    thread.end('cleanWorkspace', AWAY);
    thread.end('callModel', AWAY);
    thread.dispatch({ type: 'moveBegan', to: { host: '', cwd: AT.cwd } });
    const place = { host: 'b', hostGroup: 'g', cwd: AT.cwd, root: ROOT };
    const move = toMove(thread.state, { from: AT, place, restored: null, quiescent: false, at: 7 });
    expect(move.receipt.notRestored).toEqual([expect.stringContaining('Hosts a and b share the folder')]);
    thread.dispatch({ type: 'workspaceMoved', move, place });
    return { thread, commandId: id };
  }

  it('goes on elsewhere in it, and each turn tries to end what was left and says so', () => {
    const { thread, commandId } = taken();
    const left = [{ host: 'a', commandIds: [commandId] }];
    thread.answer('done');
    expect(thread.completions('turn')).toMatchObject([{ status: 'completed', mayStillRun: left }]);
    expect(thread.steps('cleanWorkspace')).toHaveLength(0);

    thread.submit('next');
    expect(thread.step('cleanWorkspace')).toMatchObject({ host: 'a', input: { commandIds: [commandId] } });
    // It has no part in the turn, and its host being away is no reason to move.
    thread.end('cleanWorkspace', AWAY);
    expect([relocations(thread), thread.steps('cleanWorkspace').length]).toEqual([0, 0]);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('callModel', { type: 'aborted' }, thread.stopping.at(-1));
    expect(thread.completions('next')).toMatchObject([{ status: 'aborted', quiescent: false, mayStillRun: left }]);

    thread.submit('last');
    thread.done('cleanWorkspace', { ended: 3, gone: false });
    thread.answer('done');
    expect(thread.completions('last')).toMatchObject([{ status: 'completed', mayStillRun: left }]);
    thread.submit('proven');
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.events().at(-1)).toMatchObject({ message: "Nothing of the thread's commands is left on host a." });
    thread.answer('done');
    expect(thread.completions('proven')[0]).not.toHaveProperty('mayStillRun');
  });
});
