import { describe, expect, it } from 'vitest';
import type { EndedSession } from '../../../activities/contract.ts';
import type { ResolveRequest, ThreadEvent } from '../../../src/contract/index.ts';
import { DECISIONS, type Decisions } from '../../../src/contract/plain/decisions.ts';
import { type TestThread, EXITED, YIELDED, exec, testThread } from '../testing/fixtures.ts';
import { toCarryOver } from '../past/carry-over.ts';
import { toCurrentDetails } from '../view/current-details.ts';
import { toContext, toThreadView } from '../view/view.ts';
import { MAX_SESSIONS } from './sessions.ts';

const LEFT = { ...EXITED, ...YIELDED, output: 'ready\n' };

/** A thread whose command has been left running; the number of its session. */
function left(command = 'npm run dev', thread = testThread()): { thread: TestThread; id: number } {
  thread.submit('a');
  return { thread, id: leave(thread, command) };
}

function leave(thread: TestThread, command: string, more: Record<string, unknown> = {}): number {
  thread.answer(exec(command, more));
  const { index } = thread.input('execCommand');
  thread.done('execCommand', { ...LEFT, key: `key ${index}` });
  return index;
}

function look(thread: TestThread, session_id: unknown, chars?: string): void {
  thread.answer({ name: 'write_stdin', arguments: { session_id, ...(chars === undefined ? {} : { chars }) } });
}

const ended = (id: number, more: Partial<NonNullable<EndedSession['report']>> = {}): EndedSession => ({
  id,
  report: { ...EXITED, exitCode: 1, output: 'it crashed\n', ...more },
});
const sessionItems = ({ state }: TestThread) => state.log.items.filter(({ type }) => type === 'commandSession');
const lastItem = ({ state }: TestThread) => state.log.items.at(-1);
const views = ({ state }: TestThread) => toThreadView(state).sessions;
const sessionEvents = (thread: TestThread) =>
  thread
    .events()
    .filter((event): event is Extract<ThreadEvent, { item: object }> => 'item' in event)
    .filter(({ item }) => item.type === 'commandSession');

describe('a command that is left running', () => {
  it('ends its call with its output so far, and is a session from then on', () => {
    const { thread, id } = left();
    expect(thread.state.log.items[id]).toMatchObject({
      ...{ type: 'commandExecution', status: 'completed', exitCode: null, sessionId: id },
      output: `Still running, as session ${id}\nWall time: 0.0 seconds\nOutput:\nready\n`,
    });
    expect(sessionItems(thread)).toMatchObject([
      { turnId: '', sessionId: id, command: 'npm run dev', status: 'inProgress' },
    ]);
    expect(views(thread)).toMatchObject([{ sessionId: id, turnId: 'a', command: 'npm run dev', status: 'running' }]);
    expect(views(thread)?.[0]?.endsAt).toBe(views(thread)![0]!.startedAt + 3_600_000);
    expect(toCurrentDetails(thread.state)).toContain(`session ${id}: \`npm run dev\``);
    expect(thread.input('callModel').sessions).toEqual([{ id, command: 'npm run dev', hasEnded: false }]);
    expect(thread.input('awaitSessions').sessions).toEqual([{ id, key: `key ${id}`, commandId: `tool/t1/${id}` }]);
  });

  it('outlives its turn, and a change of it offers the model nothing anew', () => {
    const { thread } = left();
    thread.answer('it runs');
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
    expect(views(thread)).toHaveLength(1);
    expect(toContext(thread.state, 0).stable).toBe(thread.state.log.items.length);
  });

  it('that ends on its own is complete with its exit code and its tail, and its rest can still be read', () => {
    const { thread, id } = left();
    const { id: wait } = thread.step('awaitSessions');
    thread.done('awaitSessions', { ended: [ended(id)] });
    // A wait that was let go may report it, too.
    thread.done('awaitSessions', { ended: [ended(id)] }, wait);
    expect(sessionItems(thread)).toMatchObject([{ status: 'failed', exitCode: 1, output: 'it crashed\n' }]);
    expect(views(thread)).toBeUndefined();
    expect(thread.steps('awaitSessions')).toEqual([]);
    thread.answer('done');
    thread.submit('b');
    expect(thread.input('callModel').sessions).toEqual([{ id, command: 'npm run dev', hasEnded: true }]);
    look(thread, id);
    thread.done('writeStdin', { ...EXITED, exitCode: 1, output: 'crashed\n', tail: 'it crashed\n' });
    expect(lastItem(thread)).toMatchObject({
      status: 'failed',
      output: expect.stringContaining('Exit code: 1\n') as string,
    });
    expect(thread.input('callModel').sessions).toBeUndefined();
    look(thread, id);
    expect(lastItem(thread)).toMatchObject({
      status: 'failed',
      output: expect.stringContaining('no session') as string,
    });
    expect(sessionEvents(thread)).toHaveLength(2);
  });

  it('whose end nobody has seen is lost, and cleaned up after', () => {
    const { thread, id } = left();
    thread.done('awaitSessions', { ended: [{ id, report: null }] });
    expect(sessionItems(thread)).toMatchObject([{ status: 'lost' }]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([`tool/t1/${id}`]);
  });

  it('is looked at, and its end is told once, whoever learns of it first', () => {
    const { thread, id } = left();
    look(thread, id);
    expect(thread.input('writeStdin')).toMatchObject({ chars: '', yieldMs: 10_000, session: { id, key: `key ${id}` } });
    const { id: wait } = thread.step('awaitSessions');
    thread.done('writeStdin', { ...EXITED, output: 'bye\n', tail: 'ready\nbye\n' });
    expect(sessionItems(thread)).toMatchObject([{ status: 'completed', exitCode: 0, output: 'ready\nbye\n' }]);
    thread.done('awaitSessions', { ended: [ended(id)] }, wait);
    expect(sessionEvents(thread)).toHaveLength(2);
    expect(thread.input('callModel').sessions).toBeUndefined();
  });

  it('whose look is stopped runs on', () => {
    const { thread, id } = left();
    look(thread, id);
    const step = thread.step('writeStdin');
    thread.dispatch({ type: 'interruptRequested', interrupt: { keepSessions: true } });
    thread.end('writeStdin', { type: 'aborted' }, step.id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(views(thread)).toMatchObject([{ sessionId: id, status: 'running' }]);
  });
});

describe('write_stdin', () => {
  it.each([
    [99, undefined, 'this thread has no session 99, or its end was told already. There are: '],
    ['1', undefined, '`session_id` must be the number that exec_command returned'],
    [1.5, undefined, '`session_id` must be the number'],
    [undefined, 'yes\n', 'has no terminal and reads nothing: it can only be interrupted, by \\u0003'],
    [undefined, '\u0003\u0000', 'has no terminal'],
    [undefined, 'x'.repeat(1_048_576), '`chars` has 1048576 characters, and at most 16384 are sent'],
  ])('of session %s is refused where it cannot be followed', (sessionId, chars, reason) => {
    const { thread, id } = left();
    look(thread, sessionId ?? id, chars);
    expect(lastItem(thread)).toMatchObject({ type: 'dynamicToolCall', status: 'failed' });
    expect(lastItem(thread)).toMatchObject({ output: expect.stringContaining(reason) as string });
    expect(thread.steps('writeStdin')).toEqual([]);
    expect(views(thread)).toHaveLength(1);
  });

  it('sends ^C, and says of a session that is lost that it is', () => {
    const { thread, id } = left();
    look(thread, id, '\u0003');
    expect(thread.input('writeStdin')).toMatchObject({ chars: '\u0003', yieldMs: 1_000 });
    thread.end('writeStdin', { type: 'failed', failure: { code: 'commandLost', message: 'lost', details: {} } });
    expect(lastItem(thread)).toMatchObject({ output: `Session ${id} has ended, and its output is lost.` });
    expect(sessionItems(thread)).toMatchObject([{ status: 'lost' }]);
  });
});

describe('a terminal', () => {
  const asked = ({ state }: TestThread) => state.requests[0];

  /** A command with a terminal that runs in this sandbox, and text that is typed into it after a change of the settings. */
  function typed(chars: string, settings: Parameters<typeof testThread>[0] = {}, later: typeof settings = {}) {
    const thread = testThread(settings);
    thread.submit('a');
    thread.answer(exec('bash', { tty: true, timeout_ms: 60_000 }));
    if (asked(thread) !== undefined) accept(thread);
    const { index } = thread.input('execCommand');
    expect(thread.input('execCommand')).toMatchObject({
      terminal: true,
      timeoutMs: 60_000,
      yields: { yieldMs: 10_000 },
    });
    thread.done('execCommand', { ...LEFT, key: 'k' });
    thread.restart({ ...thread.state, settings: { ...thread.state.settings, ...later } });
    look(thread, index, chars);
    return { thread, index };
  }
  function accept(thread: TestThread, more: Partial<ResolveRequest> = {}): void {
    const answer = { requestId: asked(thread)?.requestId ?? '', decision: 'accept' as const, ...more };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
  }

  it.each<[string, Parameters<typeof testThread>[0], Parameters<typeof testThread>[0]]>([
    ['rm -rf x\n', {}, {}],
    ['rm -rf x\n', { sandbox: 'danger-full-access' }, {}],
    ['rm -rf x\n', { approvalPolicy: 'never' }, { sandbox: 'danger-full-access' }],
    ['\u0003\u0004', { approvalPolicy: 'untrusted' }, {}],
    ['', { sandbox: 'danger-full-access' }, { approvalPolicy: 'never', sandbox: 'read-only' }],
  ])('reads %j without a question, of a thread with %j and then %j', (chars, settings, later) => {
    const { thread } = typed(chars, settings, later);
    expect(asked(thread)).toBeUndefined();
    expect(thread.input('writeStdin')).toMatchObject({ chars });
  });

  it.each<[string, Parameters<typeof testThread>[0], Parameters<typeof testThread>[0]]>([
    ['every text, if the policy is untrusted', { approvalPolicy: 'untrusted' }, {}],
    [
      'if it is outside the sandbox, and the thread no longer is',
      { sandbox: 'danger-full-access' },
      { sandbox: 'workspace-write' },
    ],
    ['if its sandbox is wider than that of the thread is now', {}, { sandbox: 'read-only' }],
  ])('is typed into after a question: %s', (_, settings, later) => {
    const { thread, index } = typed('ls\n', settings, later);
    expect(thread.steps('writeStdin')).toEqual([]);
    expect(asked(thread)).toMatchObject({
      type: 'commandExecution',
      command: `typed into session ${index}, "bash":\nls\n`,
    });
    accept(thread);
    expect(thread.input('writeStdin')).toMatchObject({ chars: 'ls\n' });
  });

  describe('whose input outside the sandbox was accepted for the session', () => {
    const outside = [{ sandbox: 'danger-full-access' }, { sandbox: 'workspace-write' }] as const;
    const acceptTwice = (decisions: Decisions = DECISIONS) => {
      const { thread, index } = typed('y\n', ...outside);
      thread.restart({ ...thread.state, decisions });
      accept(thread, { decision: 'acceptForSession' });
      thread.done('writeStdin', LEFT);
      look(thread, index, 'y\n');
      return thread;
    };

    it('is asked for the same text again', () => {
      const thread = acceptTwice();
      expect(asked(thread)).toMatchObject({ command: expect.stringContaining('y\n') as string });
      expect(thread.state.rules).toEqual([]);
      expect(thread.events().flatMap((event) => (event.type === 'warning' ? [event.message] : []))).toEqual([
        expect.stringContaining('what is typed into a command is asked for each time') as string,
      ]);
    });

    it('is not in a run that an earlier release began', () => {
      expect(asked(acceptTwice(8))).toBeUndefined();
    });
  });

  it.each([false, true])('asks although a rule of an earlier release knows the text; as a command: %s', (asCommand) => {
    const { thread, index } = typed('y\n', { approvalPolicy: 'untrusted' });
    const command = `typed into session ${index}, "bash":\ny\n`;
    accept(thread);
    thread.done('writeStdin', LEFT);
    const match = {
      type: 'commandExecution',
      command,
      cwd: thread.state.settings.cwd,
      sandbox: 'danger-full-access',
    } as const;
    const rule = {
      ruleId: 'rule_0',
      scope: 'thread',
      match,
      decision: 'accept',
      by: 'person',
      at: 1,
      threadId: 't1',
      turnId: 'a',
    } as const;
    thread.restart({ ...thread.state, rules: [rule], settings: { ...thread.state.settings, repositoryRules: true } });
    if (asCommand) thread.answer(exec(command, { sandbox_permissions: 'require_escalated' }));
    else look(thread, index, 'y\n');
    expect([asked(thread)?.type, thread.steps('findRules')]).toEqual(['commandExecution', []]);
  });

  it('outside of the sandbox reads nothing if nobody can be asked', () => {
    const { thread } = typed(
      'ls\n',
      { sandbox: 'danger-full-access' },
      { sandbox: 'read-only', approvalPolicy: 'never' },
    );
    expect(lastItem(thread)).toMatchObject({
      status: 'declined',
      output: expect.stringContaining('policy is never') as string,
    });
    expect(thread.steps('writeStdin')).toEqual([]);
  });
});

describe('sessions end', () => {
  it('with an interrupt, whose turn ends when the clean-up has proven it', () => {
    const { thread, id } = left();
    const model = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('callModel', { type: 'aborted' }, model.id);
    expect(views(thread)).toMatchObject([{ status: 'stopping' }]);
    expect(thread.completions('a')).toEqual([]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([`tool/t1/${id}`]);
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(sessionItems(thread)).toMatchObject([{ status: 'aborted' }]);
    expect(thread.types().filter((type) => type === 'warning')).toEqual([]);
    expect(thread.state.sessions).toEqual([]);
  });

  it('with the tail that the wait reports before the clean-up does', () => {
    const { thread, id } = left();
    thread.answer('it runs');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('awaitSessions', { ended: [ended(id, { outcome: 'aborted', exitCode: null })] });
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(sessionItems(thread)).toMatchObject([{ status: 'aborted', output: 'it crashed\n' }]);
    expect(sessionEvents(thread)).toHaveLength(2);
    expect(thread.state.sessions).toEqual([]);
  });

  it('not with an interrupt that keeps them, nor with the turn that replaces theirs', () => {
    const { thread, id } = left();
    thread.dispatch({ type: 'interruptRequested', interrupt: { keepSessions: true } });
    const model = thread.running.find((one) => one.startsWith('model/'));
    thread.end('callModel', { type: 'aborted' }, model);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
    thread.submit('b');
    const second = thread.step('callModel');
    thread.submit('c');
    thread.end('callModel', { type: 'aborted' }, second.id);
    expect(thread.completions('b')).toMatchObject([{ status: 'aborted', reason: 'replaced' }]);
    expect(views(thread)).toMatchObject([{ sessionId: id, status: 'running' }]);
  });

  it('with their thread, which is closed when it is proven', () => {
    const { thread } = left();
    thread.answer('it runs');
    thread.dispatch({ type: 'closeRequested', close: {} });
    expect(thread.state.status).toBe('closing');
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.state.status).toBe('closed');
    expect(thread.types().slice(-2)).toEqual(['item/completed', 'thread/closed']);
  });

  it('when their thread is resumed after its workflow was ended', () => {
    const { thread, id } = left();
    thread.answer('it runs');
    thread.restart(toCarryOver(thread.state).carriedOver);
    thread.dispatch({ type: 'threadResumed' });
    expect(thread.input('cleanWorkspace').commandIds).toEqual([`tool/t1/${id}`]);
    expect(views(thread)).toMatchObject([{ status: 'stopping' }]);
  });

  it('with the undo of the turn that began them, before its files are touched', () => {
    const { thread, id } = left();
    thread.answer('it runs');
    thread.submit('b');
    const other = leave(thread, 'watch');
    thread.answer('both');
    thread.submit('u', '', { kind: 'undo', input: [] });
    expect(views(thread)).toMatchObject([
      { sessionId: id, status: 'running' },
      { sessionId: other, status: 'stopping' },
    ]);
    expect(thread.steps('undoFiles')).toEqual([]);
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.steps('undoFiles')).toHaveLength(1);
  });

  it('if the step that would have begun one was to be stopped', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer(exec('sleep 100'));
    const step = thread.step('execCommand');
    thread.dispatch({ type: 'interruptRequested', interrupt: { keepSessions: true } });
    thread.done('execCommand', { ...LEFT, key: 'k' }, step.id);
    expect(views(thread)).toBeUndefined();
    expect(thread.input('cleanWorkspace').commandIds).toEqual([step.id]);
    expect(thread.completions('a')).toEqual([]);
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
  });
});

describe('a run with sessions', () => {
  /** Many turns, of which a part is archived then. */
  function becomeDue(thread: TestThread, run: string): void {
    for (let turn = 0; turn < 40; turn++) {
      thread.submit(`${run} ${turn}`);
      thread.answer('done');
    }
    thread.dispatch({ type: 'rolloverDue' });
  }

  function continueAsNew(thread: TestThread, run: string): void {
    becomeDue(thread, run);
    while (thread.steps('archiveSegment').length > 0) thread.done('archiveSegment', null);
    expect(thread.actions('continueAsNew')).toHaveLength(1);
    thread.restart(JSON.parse(JSON.stringify(toCarryOver(thread.state).carriedOver)) as TestThread['state']);
    thread.dispatch({ type: 'runContinued' });
  }

  it('continues as new at once; they go with it, and hold the archive back for no more than one run', () => {
    const { thread, id } = left();
    thread.answer('it runs');
    continueAsNew(thread, 'first');
    const { firstItem } = thread.state.log;
    continueAsNew(thread, 'second');
    expect(thread.state.log.firstItem).toBeGreaterThan(firstItem + 40);
    expect(thread.input('awaitSessions').sessions).toEqual([{ id, key: `key ${id}`, commandId: `tool/t1/${id}` }]);
    const item = sessionItems(thread).at(-1)?.id;
    expect(views(thread)).toMatchObject([{ sessionId: id, itemId: item }]);
    thread.done('awaitSessions', { ended: [ended(id)] });
    expect(sessionItems(thread)).toMatchObject([
      { status: 'completed', continuesAs: item },
      { id: item, status: 'failed', exitCode: 1 },
    ]);
  });

  it('ends them first if they are to end, and goes on with its archive meanwhile', () => {
    const { thread } = left();
    thread.answer('it runs');
    becomeDue(thread, 'run');
    const { id } = thread.step('archiveSegment');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.steps('cleanWorkspace')).toHaveLength(1);
    expect(thread.stopping).toEqual([]);
    thread.done('archiveSegment', null, id);
    expect(thread.actions('continueAsNew')).toEqual([]);
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.state.sessions).toEqual([]);
    while (thread.steps('archiveSegment').length > 0) thread.done('archiveSegment', null);
    expect(thread.actions('continueAsNew')).toHaveLength(1);
    expect(thread.types()).not.toContain('warning');
  });

  it('that an earlier release began leaves their end to the next run', () => {
    const { thread } = left();
    thread.answer('it runs');
    thread.restart({ ...thread.state, decisions: 7 });
    becomeDue(thread, 'run');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    expect(thread.steps('archiveSegment')).toHaveLength(1);
  });

  it('has a bounded number of them', () => {
    const thread = testThread();
    thread.submit('a');
    const ids = Array.from({ length: MAX_SESSIONS }, (_, index) => leave(thread, `sleep ${index}`));
    thread.answer(exec('one more'));
    expect(lastItem(thread)).toMatchObject({
      status: 'declined',
      output: expect.stringContaining(ids.join(', ')) as string,
    });
    thread.answer(exec('one that is waited for', { timeout_ms: 1_000 }));
    expect(thread.input('execCommand')).toMatchObject({ timeoutMs: 1_000 });
    expect(thread.input('execCommand').yields).toBeUndefined();
  });

  it('that an earlier release began waits for the end of every command', () => {
    const thread = testThread();
    thread.restart({ ...thread.state, decisions: 3 });
    thread.submit('a');
    thread.answer(exec('make', { yield_time_ms: 250 }));
    expect(thread.input('execCommand')).toMatchObject({ timeoutMs: 120_000 });
    expect(thread.input('execCommand').yields).toBeUndefined();
  });
});

describe('several sessions', () => {
  /** Two sessions of one turn; their numbers. */
  function leftTwo() {
    const { thread, id: one } = left('one');
    return { thread, one, other: leave(thread, 'other') };
  }

  it('end each for itself, with the limit that it reached', () => {
    const { thread, one, other } = leftTwo();
    expect(thread.step('awaitSessions')).toMatchObject({
      ...{ id: `sessions/${one},${other}`, summary: `sessions: ${one}, ${other}` },
    });
    const wait = thread.step('awaitSessions').id;
    thread.done('awaitSessions', { ended: [ended(other, { limit: 'memoryMb' })] }, wait);
    const [first, second] = sessionItems(thread);
    expect([first, second]).toMatchObject([{ status: 'inProgress' }, { status: 'failed', limit: 'memoryMb' }]);
    expect(views(thread)).toMatchObject([{ sessionId: one }]);
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    thread.answer('so it ends');
    thread.submit('b');
    expect(thread.input('callModel').sessions).toEqual([
      { id: one, command: 'one', hasEnded: false },
      { id: other, command: 'other', hasEnded: true },
    ]);
    thread.done('awaitSessions', { ended: [ended(one)] });
    expect(sessionItems(thread)[0]).toMatchObject({ status: 'failed', exitCode: 1 });
    expect(sessionItems(thread)[0]).not.toHaveProperty('limit');
  });

  it('are all lost if the wait for them fails, and none if an earlier wait does', () => {
    const { thread, one, other } = leftTwo();
    const failure = { code: 'internal', message: 'no more', details: {} };
    thread.end('awaitSessions', { type: 'failed', failure }, `sessions/${one}`);
    expect(views(thread)).toHaveLength(2);
    thread.end('awaitSessions', { type: 'failed', failure });
    expect(sessionItems(thread)).toMatchObject([{ status: 'lost' }, { status: 'lost' }]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([`tool/t1/${one}`, `tool/t1/${other}`]);
  });

  it('are looked at one by one, and a look changes none of them', () => {
    const { thread, one, other } = leftTwo();
    look(thread, other);
    expect(thread.step('writeStdin')).toMatchObject({
      summary: `session: ${other}`,
      input: { session: { id: other } },
    });
    expect(thread.step('writeStdin').options.startToCloseTimeout).toBe(70_000);
    thread.done('writeStdin', { ...EXITED, ...YIELDED, output: 'on it\n' });
    expect(lastItem(thread)).toMatchObject({ status: 'completed', output: expect.stringContaining('on it') as string });
    look(thread, one, '\u0003');
    expect(thread.step('writeStdin').summary).toBe(`session: ${one}: "\\u0003"`);
    const failure = { code: 'internal', message: 'not now', details: {} };
    thread.end('writeStdin', { type: 'failed', failure });
    expect(lastItem(thread)).toMatchObject({ status: 'failed', output: 'not now' });
    look(thread, one);
    thread.end('writeStdin', { type: 'aborted' });
    expect(lastItem(thread)).toMatchObject({ status: 'aborted', output: 'aborted by user' });
    expect(views(thread)?.map(({ sessionId }) => sessionId)).toEqual([one, other]);
    expect(thread.steps('cleanWorkspace')).toEqual([]);
    look(thread, 99);
    expect(lastItem(thread)).toMatchObject({
      output: expect.stringContaining(`There are: ${one}, ${other}.`) as string,
    });
  });

  it('that are stopped have lasted until the clean-up has proven it', () => {
    const { thread, one } = leftTwo();
    const { startedAt } = views(thread)![0]!;
    thread.answer('done');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.at += 5_000;
    thread.done('cleanWorkspace', { ended: 2 });
    const [first, second] = sessionItems(thread);
    expect([first, second]).toMatchObject([
      { sessionId: one, status: 'aborted', durationMs: thread.at - startedAt },
      { status: 'aborted' },
    ]);
    expect(views(thread) ?? []).toEqual([]);
  });
});
