/** What each input does to a thread, and what a thread wants of its shell. */
import { describe, expect, it } from 'vitest';
import { actionIds } from '../state/actions.ts';
import { NO_USAGE } from '../state/state.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { decide, isOf, reduce, spendingOf } from './machine.ts';

const PARENT = { threadId: 'p', path: ['p'], role: 'agent' as const };
const warnings = (thread: TestThread) =>
  thread.state.log.events.flatMap((event) => (event.type === 'warning' ? [event.message] : []));
const sent = ({ state }: TestThread) => state.outbox.map(({ to, message }) => ({ to, ...message }));
const close = (thread: TestThread) => thread.dispatch({ type: 'closeRequested', close: { reason: 'enough' } });
const interrupt = (thread: TestThread, more: object = {}) =>
  thread.dispatch({ type: 'interruptRequested', interrupt: more });
const FAILED = { type: 'failed', failure: { code: 'diskFull', message: 'no room', details: {} } } as const;

function working(settings: Parameters<typeof testThread>[0] = {}): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  thread.answer(exec('make'));
  return thread;
}

function spawned(settings: Parameters<typeof testThread>[0] = {}): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  thread.answer({ name: 'spawn_agent', arguments: { task_name: 'helper', message: 'do it' } });
  thread.dispatch({ type: 'childStarted', id: actionIds.child('t1/1'), failure: null });
  return thread;
}

describe('a thread', () => {
  it('says at its start what it is, and what it is warned of', () => {
    const { state } = testThread();
    const opened = reduce(
      { ...state, log: { ...state.log, events: [] } },
      { type: 'threadOpened', warnings: ['one', 'two'], at: 9, running: [] },
    );
    expect(opened.log.events).toMatchObject([
      { type: 'thread/started', threadId: 't1', settings: { model: 'offline/test' }, forkedFrom: null },
      { type: 'warning', message: 'one' },
      { type: 'warning', message: 'two' },
    ]);
  });

  it('that is closed takes no notice of other threads', () => {
    const thread = spawned();
    thread.answer('done');
    close(thread);
    thread.dispatch({
      type: 'subThreadReported',
      message: { threadId: 't1/1', report: { type: 'closed', reason: null } },
    });
    expect(thread.state.status).toBe('closed');
    const { state } = thread;
    thread.dispatch({ type: 'childGone', id: 'x', threadId: 't1/1' });
    thread.dispatch({ type: 'agentMessageReceived', message: { from: 'p', text: 'hi' } });
    thread.dispatch({
      type: 'subThreadReported',
      message: { threadId: 't1/9', report: { type: 'closed', reason: null } },
    });
    expect(thread.state).toBe(state);
  });

  it('counts the messages that it refuses, and says which', () => {
    const thread = testThread();
    thread.dispatch({ type: 'messageRejected', message: 'submitTurn', code: 'malformed', reason: 'no', id: 'x' });
    interrupt(thread, { turnId: 'z' });
    expect(thread.state.counters.rejectedMessages).toBe(2);
    expect(thread.events().slice(-2)).toMatchObject([
      { type: 'message/rejected', message: 'submitTurn', code: 'malformed', reason: 'no', id: 'x' },
      { type: 'message/rejected', message: 'interruptTurn', code: 'turnNotActive', id: 'z' },
    ]);
  });

  it('keeps the newest hundred messages of other agents', () => {
    const { decisions: _, ...state } = testThread().state;
    const mailbox = Array.from({ length: 100 }, (__, n) => ({ from: 'p', text: `${n}` }));
    const event = { type: 'agentMessageReceived' as const, message: { from: 'p', text: 'last' }, at: 9, running: [] };
    const next = reduce({ ...state, mailbox }, event);
    expect([next.mailbox.length, next.mailbox[0]?.text, next.mailbox.at(-1)?.text]).toEqual([100, '1', 'last']);
  });

  it('of a review closes after its one turn, any other one stays open', () => {
    for (const role of ['review', 'agent'] as const) {
      const thread = testThread({ parent: { ...PARENT, role } });
      expect(thread.state.status).toBe('open');
      thread.submit('a');
      thread.answer('done');
      expect(thread.state.status).toBe(role === 'review' ? 'closed' : 'open');
    }
  });
});

describe('a request that is not open here', () => {
  it('is withdrawn in the threads above, which may still show it', () => {
    const thread = testThread({ parent: { ...PARENT } });
    const answer = { requestId: 'req_9', decision: 'accept' as const };
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person' });
    expect(sent(thread)).toEqual([]);
    thread.dispatch({ type: 'requestAnswered', answer, by: 'person', isUnknown: true });
    const report = { type: 'requestResolved', requestId: 'req_9', decision: 'cancel', by: 'abort' };
    expect(sent(thread)).toMatchObject([{ to: 'p', payload: { report } }]);
  });

  it('is withdrawn above also if a child says that it is over', () => {
    const thread = spawned({ parent: { ...PARENT } });
    const before = sent(thread).length;
    const report = {
      type: 'requestResolved' as const,
      requestId: 'req_9',
      decision: 'accept' as const,
      by: 'person' as const,
    };
    thread.dispatch({ type: 'subThreadReported', message: { threadId: 't1/1', report } });
    thread.dispatch({ type: 'subThreadReported', message: { threadId: 't1/8', report }, isUnknown: true });
    expect(sent(thread)).toHaveLength(before);
    thread.dispatch({ type: 'subThreadReported', message: { threadId: 't1/1', report }, isUnknown: true });
    expect(sent(thread).at(-1)).toMatchObject({
      to: 'p',
      payload: { report: { requestId: 't1/1:req_9', decision: 'cancel' } },
    });
  });
});

describe('an interrupt', () => {
  it('without a turn is for the active one, else for the newest beside it', () => {
    const thread = testThread();
    for (const id of ['s1', 's2', 's3']) thread.submit(id, 'sleep 5', { kind: 'user_shell' });
    interrupt(thread, { reason: 'stop' });
    expect(thread.state.active?.aborting).toMatchObject({ reason: 'interrupted', detail: 'stop' });
    const idle = testThread();
    idle.restart({ ...thread.state, active: null, beside: thread.state.beside });
    interrupt(idle);
    expect(idle.state.beside.map(({ aborting }) => aborting !== null)).toEqual([false, true]);
  });

  it('of the tree interrupts the agents of an idle thread, with its reason', () => {
    for (const reason of ['wrong way', undefined]) {
      const thread = spawned();
      thread.answer('done');
      interrupt(thread, { tree: true, ...(reason === undefined ? {} : { reason }) });
      expect(sent(thread)).toMatchObject([
        { to: 't1/1', signal: 'interruptTurn', payload: { reason: reason ?? 'interrupted', tree: true } },
      ]);
    }
  });

  it('waits for the steps of its turn, and not for those of others', () => {
    const thread = working();
    const { id } = thread.step('execCommand');
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    interrupt(thread, { turnId: 'a' });
    expect(thread.state.active?.aborting?.awaiting).toEqual([id]);
    const { state } = thread;
    expect([id, 'other'].map((one) => isOf(state, state.active!, one))).toEqual([true, false]);
    expect(isOf(state, { ...state.active!, ending: { status: 'completed' } }, id)).toBe(false);
  });

  it('ends without proof when its time is up, and only the commands that it waited for are cleaned up after', () => {
    const thread = working();
    const { id } = thread.step('execCommand');
    interrupt(thread);
    const { id: timer, about } = thread.action('awaitTime');
    expect(thread.action('awaitTime').summary).toContain('of turn a');
    thread.dispatch({ type: 'timeCame', id: timer, about });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: false }]);
    expect(thread.input('cleanWorkspace')).toEqual({ workspace: '/work/repo', commandIds: [id] });
    const { log } = thread.state;
    thread.dispatch({ type: 'timeCame', id: timer, about });
    expect(thread.state.log).toEqual(log);
    const model = testThread();
    model.submit('a');
    interrupt(model);
    model.dispatch({ type: 'timeCame', id: model.action('awaitTime').id, about });
    expect(model.completions('a')).toMatchObject([{ quiescent: false }]);
    expect(model.steps('cleanWorkspace')).toEqual([]);
  });
});

describe('an answer to a request', () => {
  const asking = () => {
    const thread = testThread({ approvalPolicy: 'untrusted' });
    thread.submit('a');
    thread.answer(exec('make'));
    return thread;
  };

  it('comes from the deadline if from nobody else, once', () => {
    const thread = asking();
    const { id, about, at } = thread.action('awaitTime');
    expect(at).toBe(thread.at + 60_000);
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.events().find(({ type }) => type === 'serverRequest/resolved')).toMatchObject({
      decision: 'decline',
      by: 'deadline',
    });
    const { log } = thread.state;
    thread.dispatch({ type: 'timeCame', id, about });
    expect(thread.state.log).toEqual(log);
  });

  it('is not taken by a turn that is being stopped', () => {
    const thread = asking();
    const { requests, active } = thread.state;
    const aborting = { reason: 'interrupted', detail: null, since: 1, awaiting: ['x'], quiescent: true } as const;
    const answer = { requestId: requests[0]!.requestId, decision: 'accept' as const };
    const event = { type: 'requestAnswered' as const, answer, by: 'person' as const, at: 9, running: [] };
    const stopping = { ...thread.state, active: { ...active!, aborting: { ...aborting, awaiting: ['x'] } } };
    expect(reduce(stopping, event).requests).toEqual(requests);
    const ending = { ...thread.state, active: { ...active!, ending: { status: 'completed' as const } } };
    expect(reduce(ending, event).requests).toEqual(requests);
    expect(reduce({ ...thread.state, active: null }, event).requests).toEqual([]);
  });
});

describe('a message that could not be delivered', () => {
  const fail = (thread: TestThread) =>
    thread.dispatch({ type: 'messageSent', id: thread.actions('sendMessage')[0]!.id, delivered: false });

  it('to the thread above closes this one, which has no purpose any more', () => {
    const thread = testThread({ parent: { ...PARENT } });
    thread.submit('a');
    thread.answer('done');
    fail(thread);
    expect(thread.state).toMatchObject({ status: 'closed', closeReason: 'its parent thread is gone' });
  });

  it('to an agent says that it is gone', () => {
    const thread = spawned();
    thread.answer({ name: 'send_message', arguments: { target: 'helper', message: 'hi' } });
    fail(thread);
    expect(thread.state.children).toMatchObject([{ status: 'notFound' }]);
    expect(thread.state.outbox).toEqual([]);
  });

  it('of a thread that is closed changes nothing else', () => {
    const thread = testThread({ parent: { ...PARENT } });
    close(thread);
    expect(thread.actions('complete')).toEqual([]);
    const { log } = thread.state;
    fail(thread);
    expect(thread.state.log).toEqual(log);
    expect(thread.actions('complete')).toHaveLength(1);
  });
});

describe('the close of a thread', () => {
  it('stops what runs, drops what waits, and says so once', () => {
    const thread = working();
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    thread.submit('later', 'do that', { onBusy: 'queue' });
    const ids = thread.steps('execCommand').map(({ id }) => id);
    close(thread);
    expect(thread.completions('later')).toMatchObject([
      { status: 'aborted', reason: 'threadClosed', detail: 'enough' },
    ]);
    expect(thread.state.status).toBe('closing');
    thread.dispatch({ type: 'closeRequested', close: { reason: 'again' } });
    for (const id of ids) thread.done('execCommand', { ...EXITED, outcome: 'aborted', exitCode: null }, id);
    expect(thread.completions('a')).toMatchObject([{ reason: 'threadClosed', detail: 'enough' }]);
    expect(thread.completions('shell')).toMatchObject([{ reason: 'threadClosed' }]);
    expect(thread.events().filter(({ type }) => type === 'thread/closed')).toMatchObject([{ reason: 'enough' }]);
  });

  it('tells the thread above, last of all', () => {
    const thread = testThread({ parent: { ...PARENT } });
    close(thread);
    expect(sent(thread)).toMatchObject([{ to: 'p', payload: { report: { type: 'closed', reason: 'enough' } } }]);
  });

  it('withdraws requests of agents, to which no answer could be sent', () => {
    const thread = spawned();
    const request = {
      ...{
        type: 'commandExecution' as const,
        requestId: 'req_1',
        turnId: 'task',
        itemId: 'item_1',
        command: 'make',
        cwd: '/w',
      },
      ...{ sandboxed: true, reason: 'why', openedAt: 1, deadlineAt: null, default: 'decline' as const, origin: null },
    };
    thread.dispatch({
      type: 'subThreadReported',
      message: { threadId: 't1/1', report: { type: 'requestOpened', request } },
    });
    thread.answer('done');
    close(thread);
    expect(thread.state.requests).toEqual([]);
    expect(thread.events()).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ type: 'serverRequest/resolved', decision: 'cancel', by: 'abort' }),
      ]) as [],
    );
  });
});

describe('results that come too late', () => {
  it.each([
    ['callModel', { type: 'answered', output: [], usage: { ...NO_USAGE, totalTokens: 7 }, costMicroUsd: 2 }, 7],
    ['callModel', { type: 'compactFirst', compactAt: 5 }, 0],
    ['execCommand', EXITED, 0],
  ] as const)('are dropped and counted, and what they cost is charged: %s %o', (activity, value, tokens) => {
    const thread = testThread();
    thread.dispatch({ type: 'stepEnded', id: 'old', activity, end: { type: 'done', value } } as never);
    expect(thread.state.counters.droppedResults).toBe(1);
    expect(thread.state.usage.totalTokens).toBe(tokens);
  });

  it('of a failed model call cost nothing', () => {
    expect(spendingOf({ type: 'stepEnded', id: 'x', activity: 'callModel', end: FAILED })).toBeNull();
    expect(spendingOf({ type: 'stepEnded', id: 'x', activity: 'compactContext', end: FAILED })).toBeNull();
  });

  it('are agents that started after all, which are closed', () => {
    const thread = spawned();
    thread.answer('done');
    const dropped = thread.state.counters.droppedResults;
    thread.dispatch({ type: 'childStarted', id: actionIds.child('t1/1'), failure: FAILED.failure });
    expect(sent(thread)).toEqual([]);
    thread.dispatch({ type: 'childStarted', id: actionIds.child('t1/1'), failure: null });
    expect(sent(thread)).toMatchObject([{ to: 't1/1', signal: 'closeThread' }]);
    expect(thread.state.counters.droppedResults).toBe(dropped + 2);
  });
});

describe('the clean-up of the workspace', () => {
  it.each([
    [{ type: 'done', value: { ended: 0 } } as const, []],
    [{ type: 'done', value: { ended: 1 } } as const, ['had 1 processes']],
    [FAILED, ['could not be looked at']],
  ])('is warned of if there was something to end, or it could not be looked: %j', (end, says) => {
    const thread = working();
    thread.end('execCommand', { type: 'lost', lastBeat: { output: '' } });
    const before = thread.state;
    thread.dispatch({ type: 'stepEnded', id: 'clean/99', activity: 'cleanWorkspace', end });
    expect(thread.state.cleanUp).toEqual(before.cleanUp);
    thread.end('cleanWorkspace', end);
    expect(thread.state.cleanUp).toBeNull();
    expect(warnings(thread)).toHaveLength(says.length);
    for (const said of says) expect(warnings(thread)[0]).toContain(said);
  });

  it('holds back what works on the files, except what runs already', () => {
    const thread = testThread();
    thread.submit('s1', 'sleep 5', { kind: 'user_shell' });
    thread.submit('s2', 'make', { kind: 'user_shell' });
    const [first, second] = thread.steps('execCommand');
    const state = { ...thread.state, cleanUp: { number: 1, commandIds: ['x'] }, cleanUps: 1 };
    const ids = (running: string[]) => decide(state, running).flatMap((one) => (one.type === 'step' ? [one.id] : []));
    expect(ids([])).toEqual([actionIds.clean(1)]);
    expect(ids([first!.id])).toEqual([first!.id, actionIds.clean(1)]);
    expect(ids([first!.id, second!.id])).toHaveLength(3);
  });
});

describe('a new run', () => {
  const due = (thread: TestThread) => thread.dispatch({ type: 'rolloverDue' });

  it('begins when nothing runs and nothing is being stopped', () => {
    const thread = working();
    due(thread);
    expect(thread.actions('continueAsNew')).toEqual([]);
    thread.done('execCommand', EXITED);
    expect(thread.actions('continueAsNew')).toHaveLength(1);
    expect(thread.steps('callModel')).toEqual([]);
    const stopping = testThread();
    stopping.submit('a');
    interrupt(stopping);
    due(stopping);
    expect(stopping.actions('continueAsNew')).toEqual([]);
  });

  it('is put off with a warning if too much would have to be carried over', () => {
    const thread = testThread();
    due(thread);
    thread.dispatch({ type: 'rolloverPostponed', bytes: 99 });
    expect(thread.state.rollover).toBeNull();
    expect(warnings(thread)).toMatchObject([expect.stringContaining('99 bytes') as string]);
  });

  it('archives first, part by part; if that fails the past is carried along', () => {
    const long = () => {
      const thread = testThread();
      for (let n = 0; n < 4; n++) {
        thread.submit(`${n}`);
        thread.answer('x'.repeat(150_000));
      }
      due(thread);
      return thread;
    };
    const thread = long();
    const step = thread.step('archiveSegment');
    expect(step.input).toMatchObject({ threadId: 't1', segment: { items: { from: 0 } } });
    thread.dispatch({
      type: 'stepEnded',
      id: 'archive/other',
      activity: 'archiveSegment',
      end: { type: 'done', value: null },
    });
    expect(thread.state.log.archived).toEqual([]);
    thread.end('archiveSegment', FAILED);
    expect(warnings(thread)).toMatchObject([expect.stringContaining('carried along: no room') as string]);
    expect(thread.actions('continueAsNew')).toHaveLength(1);
    const kept = long();
    kept.done('archiveSegment', { segmentId: 'elsewhere' });
    expect(kept.state.log.archived).toMatchObject([{ segmentId: 'elsewhere' }]);
    const closing = long();
    close(closing);
    const { length } = closing.state.log.events;
    while (closing.steps('archiveSegment').length > 0) closing.end('archiveSegment', FAILED);
    expect(closing.state.log.events).toHaveLength(length);
    expect(closing.actions('complete')).toHaveLength(1);
  });
});

describe('a turn that steers', () => {
  it('is said to have, with its own end', () => {
    const thread = working();
    thread.submit('s', 'also this', { onBusy: 'steer' });
    expect(thread.events().findLast(({ type }) => type === 'turn/steered')).toMatchObject({
      turnId: 'a',
      steerTurnId: 's',
    });
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'a', input: text('and that') } });
    expect(thread.events().findLast(({ type }) => type === 'turn/steered')).toMatchObject({ steerTurnId: null });
  });

  it('and one that replaces comes before all that wait', () => {
    const thread = working();
    thread.submit('later', 'do that', { onBusy: 'queue' });
    expect(thread.events().at(-1)).toMatchObject({ type: 'turn/queued', turnId: 'later', kind: 'regular' });
    thread.submit('now', 'rather this');
    expect(thread.state.queue.map(({ turnId }) => turnId)).toEqual(['now', 'later']);
    expect(thread.state.active?.aborting).toMatchObject({ reason: 'replaced', detail: 'by turn now' });
  });
});
