import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ApprovalRule, RejectionCode, ThreadRequest } from '../../../src/contract/index.ts';
import { everyRequest } from '../../../src/contract/test-every-type.ts';
import { CARRY_OVER_BYTES, toCarryOver } from '../past/carry-over.ts';
import { isRememberable, keepRule } from '../approvals/rules.ts';
import { NO_USAGE, type ThreadState, newThreadState } from './state.ts';
import { EXITED, SETTINGS, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';
import {
  MOST_BYTES,
  bytesOf,
  cutToBytes,
  fitNews,
  hasRoomFor,
  isOutboxFull,
  newestWithin,
  refuseBeside,
  refuseLargeAnswers,
  refuseLargeTurn,
  refuseLargerTurn,
  refuseMail,
  refuseMoreInput,
  refuseNumber,
} from './waiting.ts';

/** One code unit of text, and six bytes of JSON. */
const WIDE = '\u0001';
const SERVICE_LIMIT = 2 * 1024 * 1024;

const rejections = ({ state: { log } }: TestThread) =>
  log.events.flatMap((event) => (event.type === 'message/rejected' ? [event] : []));
const last = (thread: TestThread) => rejections(thread).at(-1);
const steer = (thread: TestThread, words: string) =>
  thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'a', input: text(words) } });
const mail = (thread: TestThread, words: string) =>
  thread.dispatch({ type: 'agentMessageReceived', message: { from: 'other', text: words } });

/** Makes the run decide like the first release. */
function earlier(thread: TestThread): void {
  const { decisions: _, ...state } = thread.state;
  thread.restart(state);
}

describe('input that waits', () => {
  it('is bounded in bytes: what does not fit is refused with how much waits, and nothing else changes', () => {
    const thread = testThread();
    thread.submit('a');
    for (let i = 0; i < 3; i++) thread.submit(`q${i}`, 'x'.repeat(100_000), { onBusy: 'queue' });
    const { queue } = thread.state;
    expect(queue).toHaveLength(3);
    const attempts: (() => void)[] = [
      () => thread.submit('more', 'y'.repeat(100_000), { onBusy: 'queue' }),
      () => thread.submit('wide', WIDE.repeat(10_000), { onBusy: 'queue' }),
      () => thread.submit('shell', `echo ${'y'.repeat(100_000)}`, { kind: 'user_shell' }),
      () => thread.submit('steers', 'y'.repeat(100_000), { onBusy: 'steer' }),
      () => steer(thread, 'y'.repeat(100_000)),
      () =>
        thread.dispatch({ type: 'queueEdited', edit: { op: 'edit', turnId: 'q1', input: text('y'.repeat(200_000)) } }),
    ];
    for (const attempt of attempts) {
      attempt();
      expect(last(thread)).toMatchObject({ code: 'tooMuchWaiting' });
      expect(last(thread)?.reason).toMatch(
        /^30\d{4} bytes of .* wait already, and \d+ more would be above 327680\. .*drop queued turns/,
      );
      expect(thread.state.queue).toEqual(queue);
    }
    expect(rejections(thread)).toHaveLength(attempts.length);
    thread.submit('small', 'y', { onBusy: 'queue' });
    steer(thread, 'y');
    thread.dispatch({ type: 'queueEdited', edit: { op: 'edit', turnId: 'q1', input: text('shorter') } });
    expect(rejections(thread)).toHaveLength(attempts.length);
    thread.submit('more', 'y'.repeat(90_000), { onBusy: 'queue' });
    expect(thread.state.queue.map(({ turnId }) => turnId)).toEqual(['q0', 'q1', 'q2', 'small', 'more']);
  });

  it('takes one turn of the longest plain text, and a thread at rest any turn', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'x'.repeat(262_144), { onBusy: 'queue' });
    thread.answer('done');
    expect(thread.state.active?.turnId).toBe('b');
    thread.answer('done');
    thread.submit('c', '漢'.repeat(262_144));
    thread.submit('d', '漢'.repeat(262_144), { onBusy: 'replace' });
    expect(rejections(thread)).toEqual([]);
    thread.submit('e', WIDE.repeat(262_144), { onBusy: 'replace' });
    expect(last(thread)).toMatchObject({ code: 'inputTooLarge' });
  });

  it.each<[RejectionCode, (thread: TestThread, i: number) => void]>([
    ['queueFull', (thread, i) => thread.submit(`r${i}`, 'x', { onBusy: 'replace' })],
    ['tooMuchWaiting', (thread, i) => thread.submit(`r${i}`, 'x'.repeat(200_000), { onBusy: 'replace' })],
    ['threadBusy', (thread, i) => thread.submit(`s${i}`, 'sleep 9', { kind: 'user_shell' })],
  ])('turns that come while one is stopped, or beside it, are bounded, too (%s)', (code, submit) => {
    const thread = testThread();
    thread.submit('a');
    for (let i = 0; i < 150; i++) submit(thread, i);
    expect(last(thread)).toMatchObject({ code });
    expect(thread.state.queue.length + thread.state.beside.length).toBeLessThanOrEqual(101);
    expect(bytesOf([thread.state.queue, thread.state.beside])).toBeLessThan(MOST_BYTES.input + 262_144 + 10_000);
  });

  it('is what it ever was in a run that the first release began', () => {
    const thread = testThread();
    earlier(thread);
    thread.submit('a');
    for (let i = 0; i < 5; i++) thread.submit(`q${i}`, 'x'.repeat(200_000), { onBusy: 'queue' });
    for (let i = 0; i < 5; i++) steer(thread, 'y'.repeat(200_000));
    for (let i = 0; i < 120; i++) mail(thread, `message ${i}`);
    expect(rejections(thread)).toEqual([]);
    expect(thread.state.queue).toHaveLength(5);
    expect(thread.state.mailbox.map(({ text: words }) => words)[0]).toBe('message 20');
  });
});

describe('the bound of what waits', () => {
  const { state } = testThread();
  /** JSON of that many bytes. */
  const ofBytes = (bytes: number) => 'x'.repeat(bytes - 2);
  const busy = (change: Partial<ThreadState>): ThreadState => ({ ...state, ...change });
  const message = (bytes: number) => {
    const empty = { from: 'other', text: '' };
    return { ...empty, text: 'x'.repeat(bytes - bytesOf(empty)) };
  };
  const codes = (...refusals: ({ code: RejectionCode } | null)[]) => refusals.map((one) => one?.code ?? null);

  it('is exact for the input of one turn, for what it reviews, and for answers', () => {
    const turn = (bytes: number) => {
      const [empty] = [text('')];
      return { turnId: 'a', kind: 'regular' as const, input: text('x'.repeat(bytes - bytesOf(empty))) };
    };
    expect(codes(refuseLargeTurn(turn(1_048_576)), refuseLargeTurn(turn(1_048_577)))).toEqual([null, 'inputTooLarge']);
    const reviewing = (bytes: number) => ({ ...turn(100), review: ofBytes(bytes) as never });
    expect(codes(refuseLargeTurn(reviewing(262_144)), refuseLargeTurn(reviewing(262_145)))).toEqual([
      ...[null, 'inputTooLarge'],
    ]);
    const answers = (bytes: number) => ({
      requestId: 'r',
      decision: 'accept' as const,
      answers: ofBytes(bytes) as never,
    });
    expect(codes(refuseLargeAnswers(answers(262_144)), refuseLargeAnswers(answers(262_145)))).toEqual([
      ...[null, 'inputTooLarge'],
    ]);
    expect(refuseLargeAnswers({ requestId: 'r', decision: 'accept' })).toBeNull();
  });

  it('is exact for input: queued turns, steered input, and commands beside the turn', () => {
    const input = (bytes: number) => ({ input: ofBytes(bytes) as never });
    expect(codes(refuseMoreInput(state, input(327_680)), refuseMoreInput(state, input(327_681)))).toEqual([
      ...[null, 'tooMuchWaiting'],
    ]);
    const thread = testThread();
    thread.submit('a');
    thread.submit('s', 'y'.repeat(100_000), { kind: 'user_shell' });
    const waits = bytesOf(thread.state.beside) + bytesOf(['y'.repeat(100_000)]);
    const left = 327_680 - waits;
    expect(codes(refuseMoreInput(thread.state, input(left)), refuseMoreInput(thread.state, input(left + 1)))).toEqual([
      ...[null, 'tooMuchWaiting'],
    ]);
    // A run that continues has archived its first items.
    const { log } = thread.state;
    const shorter = busy({ ...thread.state, log: { ...log, items: log.items.slice(1), firstItem: 1 } });
    expect(codes(refuseMoreInput(shorter, input(left)), refuseMoreInput(shorter, input(left + 1)))).toEqual([
      ...[null, 'tooMuchWaiting'],
    ]);
  });

  it('counts an edited turn by what it grows', () => {
    const thread = testThread();
    thread.submit('a');
    for (const turnId of ['q0', 'q1', 'q2']) thread.submit(turnId, 'x'.repeat(100_000), { onBusy: 'queue' });
    const room = 327_680 - bytesOf(thread.state.queue);
    const edit = (more: number, turnId = 'q1') =>
      refuseLargerTurn(thread.state, { op: 'edit', turnId, input: text('x'.repeat(100_000 + more)) });
    expect(codes(edit(room), edit(room + 1), edit(room, 'unknown'))).toEqual([
      null,
      'tooMuchWaiting',
      'tooMuchWaiting',
    ]);
    expect(refuseLargerTurn(thread.state, { op: 'edit', turnId: 'q1', overrides: {} })).toBeNull();
  });

  it('is 100 queued turns, and 32 commands beside the turn', () => {
    const queue = (turns: number) => busy({ queue: Array<never>(turns).fill({ turnId: 'q' } as never) });
    expect(codes(refuseNumber(queue(99)), refuseNumber(queue(100)))).toEqual([null, 'queueFull']);
    const beside = (turns: number) => busy({ beside: Array<never>(turns).fill({ index: 9 } as never) });
    const turn = { turnId: 's', kind: 'user_shell' as const, input: text('ls') };
    expect(codes(refuseBeside(beside(31), turn), refuseBeside(beside(32), turn))).toEqual([null, 'threadBusy']);
  });

  it('is exact for messages of agents, for messages to them, and for their requests', () => {
    const mailbox = [message(1_000)];
    const room = 98_304 - bytesOf(mailbox);
    expect(codes(refuseMail(state, message(98_304)), refuseMail(state, message(98_305)))).toEqual([
      ...[null, 'tooMuchWaiting'],
    ]);
    expect(
      codes(refuseMail(busy({ mailbox }), message(room)), refuseMail(busy({ mailbox }), message(room + 1))),
    ).toEqual([...[null, 'tooMuchWaiting']]);
    const outbox = (bytes: number) => busy({ outbox: [ofBytes(bytes - 2) as never] });
    expect([outbox(131_072), outbox(131_073), state].map(isOutboxFull)).toEqual([false, true, false]);
    const request = (bytes: number, origin: object | null) => {
      const empty = { origin, reason: '' };
      return { ...empty, reason: 'x'.repeat(bytes - bytesOf(empty)) } as never;
    };
    const below = { threadId: 't1/1' };
    const own = busy({ requests: [request(100_000, null)] });
    expect([131_070, 131_071].map((bytes) => hasRoomFor(own, request(bytes, below)))).toEqual([true, false]);
  });

  it('leaves 400 bytes for the news of an agent if others have used up the room', () => {
    const child = (threadId: string, news: string | null) => ({ threadId, news }) as never;
    const others = busy({ children: [child('t1/1', 'y'.repeat(98_000)), child('t1/2', 'old'), child('t1/3', null)] });
    expect(fitNews(others, 't1/2', 'x'.repeat(400))).toBe('x'.repeat(400));
    expect(fitNews(others, 't1/2', 'x'.repeat(500))).toBe(
      `${'x'.repeat(400)}… (100 characters were left out: ask the agent)`,
    );
    expect(fitNews(busy({ children: [child('t1/2', 'y'.repeat(98_304))] }), 't1/2', 'x'.repeat(98_304))).toBe(
      'x'.repeat(98_304),
    );
  });

  it('is exact for a text and for a list, and leaves no half of a character', () => {
    expect([cutToBytes('x'.repeat(99), 99), cutToBytes('x'.repeat(100), 99)]).toEqual(['x'.repeat(99), 'x'.repeat(99)]);
    expect(cutToBytes(`${WIDE}${'x'.repeat(94)}`, 99)).toBe(`${WIDE}${'x'.repeat(93)}`);
    expect(cutToBytes(`${'x'.repeat(20)}${'\u{1f600}'.repeat(10)}`, 26)).toBe('x'.repeat(20));
    expect(cutToBytes('xx\ud83d', 100)).toBe('xx\ud83d');
    // Each entry takes its two quotes and a comma.
    expect([newestWithin(['aaa', 'b', 'c'], 8), newestWithin(['aaa', 'b', 'c'], 7)]).toEqual([['b', 'c'], ['c']]);
  });
});

describe('answers to questions', () => {
  it('are bounded in bytes, and the request stays open', () => {
    const thread = testThread();
    thread.submit('a');
    thread.answer({ name: 'request_user_input', arguments: { questions: [{ id: 'q', question: 'Which?' }] } });
    const [request] = thread.state.requests;
    const answer = (words: string) => ({
      ...{ requestId: request!.requestId, decision: 'accept' as const },
      answers: { q: { answers: Array<string>(10).fill(words) } },
    });
    thread.dispatch({ type: 'requestAnswered', answer: answer('x'.repeat(30_000)), by: 'person' });
    expect(last(thread)).toMatchObject({ code: 'inputTooLarge', id: request!.requestId });
    expect(thread.state.requests).toEqual([request]);
    thread.dispatch({ type: 'requestAnswered', answer: answer('x'), by: 'person' });
    expect(thread.state.requests).toEqual([]);
  });
});

describe('messages of other agents', () => {
  it.each([
    ['in number', 'x', 100],
    ['in bytes', 'x'.repeat(30_000), 3],
    ['in bytes of wide characters', WIDE.repeat(5_000), 3],
  ])('are bounded %s: one more is refused, and none that waits is lost', (_how, words, most) => {
    const thread = testThread();
    for (let i = 0; i < most; i++) mail(thread, `${i} ${words}`);
    expect(rejections(thread)).toEqual([]);
    mail(thread, words);
    expect(last(thread)).toMatchObject({ message: 'agentMessage', code: 'tooMuchWaiting', id: 'other' });
    expect(thread.state.mailbox.map(({ text: one }) => one.split(' ')[0])).toEqual(
      Array.from({ length: most }, (_, i) => String(i)),
    );
    thread.submit('a');
    mail(thread, words);
    expect(thread.state.mailbox).toHaveLength(1);
  });
});

const spawn = (name: string) => ({ name: 'spawn_agent', arguments: { task_name: name, message: 'do' } });

/** The active turn spawns an agent, whose first turn ends with this text. */
function endedAgent(thread: TestThread, name: string, words: string): string {
  thread.answer(spawn(name));
  const { id, start } = thread.action('startChild');
  thread.dispatch({ type: 'childStarted', id, failure: null });
  end(thread, start.threadId, words);
  return start.threadId;
}

function end(thread: TestThread, threadId: string, words: string): void {
  const children = thread.state.children.map((child) => ({ ...child, given: ['task'], openTurns: 1 }));
  thread.restart({ ...thread.state, children });
  thread.dispatch({
    type: 'subThreadReported',
    message: {
      threadId,
      report: {
        type: 'turnCompleted',
        turn: {
          ...{ turnId: 'task', kind: 'regular', lastAgentMessage: words, startedAt: 1, durationMs: 1 },
          ...{ usage: NO_USAGE, status: 'completed' },
        },
      },
    },
  });
}

function deliver(thread: TestThread): void {
  for (let next = thread.actions('sendMessage')[0]; next !== undefined; next = thread.actions('sendMessage')[0])
    thread.dispatch({ type: 'messageSent', id: next.id, delivered: true });
}

describe('agents', () => {
  it('may be 64 that are open, however many are at work', () => {
    const thread = testThread();
    thread.submit('a');
    for (let i = 0; i < 64; i++) endedAgent(thread, `agent${i}`, 'done');
    thread.answer(spawn('one more'));
    expect(thread.state.log.items.findLast(({ type }) => type === 'collabAgentToolCall')).toMatchObject({
      status: 'failed',
      output: expect.stringMatching(/64 agents are open.*close_agent/) as string,
    });
    thread.answer({ name: 'close_agent', arguments: { target: 'agent0' } });
    deliver(thread);
    thread.dispatch({
      type: 'subThreadReported',
      message: { threadId: 't1/1', report: { type: 'closed', reason: null } },
    });
    endedAgent(thread, 'another', 'done');
    expect(thread.state.children).toHaveLength(65);
  });

  it('say it within the same room if one of them ends again and again before the model sees it', () => {
    const thread = testThread();
    thread.submit('a');
    const ids = ['b', 'c'].map((name) => endedAgent(thread, name, ''));
    for (let turns = 0; turns < 9; turns++) for (const id of ids) end(thread, id, WIDE.repeat(20_000));
    const news = thread.state.children.map((child) => child.news ?? '');
    expect(bytesOf(news)).toBeLessThan(MOST_BYTES.news + 2_000);
    for (const one of news) expect(one.match(/were left out: ask the agent/g)).toHaveLength(1);
  });

  it('say to the model how they ended, and what is left out of that for want of room', () => {
    const thread = testThread();
    thread.submit('a');
    const ids = ['b', 'c', 'd'].map((name) => endedAgent(thread, name, ''));
    for (const id of ids) end(thread, id, WIDE.repeat(20_000));
    const news = thread.state.children.map((child) => child.news ?? '');
    expect(bytesOf(news)).toBeLessThan(MOST_BYTES.news + 2_000);
    expect(news.at(-1)).toMatch(/… \(\d+ characters were left out: ask the agent\)$/);
  });

  it('have the instructions of the thread, which keeps them once', () => {
    const thread = testThread({ instructions: 'x'.repeat(100_000) });
    thread.submit('a');
    thread.answer(...Array.from({ length: 6 }, (_, i) => spawn(`agent${i}`)));
    expect(thread.actions('startChild').map(({ start }) => start.instructions?.length)).toEqual(Array(6).fill(100_000));
    expect(bytesOf(thread.state.children)).toBeLessThan(20_000);
  });

  it('are told in good order what was said to them before the model says more', () => {
    const thread = testThread();
    thread.submit('a');
    endedAgent(thread, 'b', 'done');
    const send = { name: 'send_message', arguments: { target: 'b', message: 'x'.repeat(60_000) } };
    thread.answer(send, send, send);
    expect(thread.steps('callModel')).toEqual([]);
    deliver(thread);
    expect(thread.steps('callModel')).toHaveLength(1);
  });

  it('report words that are cut where their parent would cut them', () => {
    const parent = { threadId: 'root', path: ['root'], role: 'agent' as const };
    const thread = testThread({ parent });
    thread.submit('a');
    thread.answer('x'.repeat(100_000));
    const [reported] = thread.state.outbox.flatMap(({ message }) =>
      message.signal === 'subThreadReport' && message.payload.report.type === 'turnCompleted'
        ? [message.payload.report.turn]
        : [],
    );
    expect(reported?.lastAgentMessage).toHaveLength(20_000);
    const [completed] = thread.state.log.events.flatMap((event) =>
      event.type === 'turn/completed' ? [event.turn] : [],
    );
    expect(completed?.lastAgentMessage).toHaveLength(100_000);
  });
});

const requestOf = (bytes: number): ThreadRequest => {
  const request = everyRequest('x').find(({ type }) => type === 'commandExecution');
  return { ...request, origin: null, requestId: 'req_1', command: 'x'.repeat(bytes) } as ThreadRequest;
};

describe('requests of threads below', () => {
  it('that are too large to be shown beside the others wait where they were made, and that is said', () => {
    const thread = testThread();
    thread.submit('a');
    const ids = ['b', 'c', 'd'].map((name) => endedAgent(thread, name, ''));
    for (const threadId of ids)
      thread.dispatch({
        type: 'subThreadReported',
        message: { threadId, report: { type: 'requestOpened', request: requestOf(60_000) } },
      });
    expect(thread.state.requests.map(({ requestId }) => requestId)).toEqual(['t1/1:req_1', 't1/2:req_1']);
    expect(thread.events().at(-1)).toMatchObject({
      type: 'warning',
      message: expect.stringMatching(/A request of thread t1\/3 .*: bobbin thread requests t1\/3$/) as string,
    });
  });
});

const rule = (n: number): ApprovalRule => ({
  ...{ ruleId: `rule_${n}`, scope: 'thread', decision: 'accept', by: 'person', at: 1, threadId: 't1', turnId: 'a' },
  match: { type: 'commandExecution', command: `${n} ${WIDE.repeat(600)}`, cwd: '/work/repo', sandbox: 'read-only' },
});

describe('remembered answers', () => {
  it('are bounded in bytes, and those that are forgotten are named', () => {
    let state: ThreadState = testThread().state;
    for (let n = 0; n < 50; n++) state = keepRule(state, 1, rule(n));
    expect(bytesOf(state.rules)).toBeLessThanOrEqual(MOST_BYTES.rules);
    const revoked = state.log.events.flatMap((event) => (event.type === 'rule/revoked' ? [event.ruleId] : []));
    expect([...revoked, ...state.rules.map(({ ruleId }) => ruleId)]).toEqual(
      Array.from({ length: 50 }, (_, n) => `rule_${n}`),
    );
  });
});

describe('an answer', () => {
  it('is remembered if what it is about has at most 4,000 bytes, so that 300 of a repository can be read at once', () => {
    const { state } = testThread();
    const about = (command: string) =>
      isRememberable(state, { type: 'commandExecution', command, cwd: '/w', sandbox: 'read-only' });
    expect([about('x'.repeat(3_800)), about('漢'.repeat(1_200)), about('漢'.repeat(1_400))]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('a text', () => {
  it.each([
    ['abc', 10],
    ['漢'.repeat(50), 100],
    ['😀'.repeat(50), 101],
    [WIDE.repeat(50), 100],
    [`a"\\${'\ud800'.repeat(9)}`, 20],
  ])('%j is cut to %i bytes of JSON, and to no half of a character', (words, bytes) => {
    const kept = cutToBytes(words, bytes);
    expect(words.startsWith(kept)).toBe(true);
    expect(bytesOf(kept) - 2).toBeLessThanOrEqual(bytes);
    expect(kept.length).toBeGreaterThan(2);
  });

  it('of a list is kept from the newest on', () => {
    expect(newestWithin(['aaaa', 'bb', 'cc'], 10)).toEqual(['bb', 'cc']);
    expect(newestWithin(['aaaa'], 3)).toEqual([]);
  });
});

// ------------------------------------------------------------------------------------------------------ the worst state

const long = (name: string) => name.padEnd(200, 'x');
const ID = 't'.repeat(180);
const path = `/${WIDE.repeat(4_095)}`;

/** The largest state that a thread may keep between two steps. */
function worst(): TestThread {
  const thread = testThread({
    ...{ cwd: path, root: path, title: WIDE.repeat(2_000), instructions: WIDE.repeat(66_600), snapshots: true },
    ...{ parent: { threadId: long('p'), path: Array<string>(15).fill(long('p')), role: 'agent' } },
    ...{ subThreads: { maxDepth: 99, maxActive: 99 }, model: long('m') },
  });
  thread.restart({ ...thread.state, threadId: ID });
  for (let i = 0; i < 210; i++) endTurn(thread, i);
  keepMuch(thread);
  thread.submit('a');
  for (let i = 0; i < 70; i++) {
    endedAgent(thread, `agent ${i}`.padEnd(80, '.'), WIDE.repeat(1_000));
    if (i < 6) closeAgent(thread, i);
  }
  thread.answer('x'.repeat(299_900), exec('true'));
  thread.done('execCommand', EXITED);
  for (const { threadId } of thread.state.children) end(thread, threadId, WIDE.repeat(20_000));
  for (let i = 0; i < 40; i++) mail(thread, WIDE.repeat(1_000));
  for (const { threadId } of thread.state.children.slice(-3))
    thread.dispatch({
      type: 'subThreadReported',
      message: { threadId, report: { type: 'requestOpened', request: requestOf(42_000) } },
    });
  for (let i = 0; i < 120; i++) thread.submit(long(`q${i}`), WIDE.repeat(400), { onBusy: 'queue' });
  for (let i = 0; i < 20; i++) steer(thread, WIDE.repeat(1_000));
  // A command that runs delays the next run; one that has ended is history.
  thread.submit('shell', 'true', { kind: 'user_shell' });
  const { id } = thread.step('execCommand');
  thread.done('execCommand', { ...EXITED, output: 'x'.repeat(40_000) }, id);
  deliver(thread);
  return thread;
}

function endTurn(thread: TestThread, i: number): void {
  thread.submit(long(`t${i}`));
  const { id } = thread.step('callModel');
  const call = { type: 'toolCall' as const, callId: `c${i}`, name: 'update_plan', arguments: '{"plan":[]}' };
  const snapshot = { status: 'skipped' as const, reason: `${i} ${WIDE.repeat(1_000)}` };
  thread.done('callModel', { type: 'answered', output: [call], usage: NO_USAGE, snapshot }, id);
  thread.answer('done');
  archive(thread);
  deliver(thread);
}

function closeAgent(thread: TestThread, i: number): void {
  thread.answer({ name: 'close_agent', arguments: { target: `${ID}/${i + 1}` } });
  deliver(thread);
  thread.dispatch({
    type: 'subThreadReported',
    message: { threadId: `${ID}/${i + 1}`, report: { type: 'closed', reason: null } },
  });
}

/** Fills lists that grow by the hundred. */
function keepMuch(thread: TestThread): void {
  let { state } = thread;
  for (let n = 0; n < 100; n++) state = keepRule(state, thread.at, rule(n));
  const compactions = Array.from({ length: 500 }, (_, n) => ({ item: n, upTo: n, firstItem: n }));
  const release = Array.from({ length: 300 }, (_, n) => long(`r${n}`));
  const knownTurnIds = newestWithin(
    Array.from({ length: 1_000 }, (_, n) => long(`k${n}`)),
    MOST_BYTES.turnIds,
  );
  thread.restart({
    ...{ ...state, knownTurnIds },
    context: { ...state.context, compactions },
    snapshots: { ...state.snapshots, release },
  });
}

function archive(thread: TestThread): void {
  thread.dispatch({ type: 'rolloverDue' });
  writeSegments(thread);
  thread.restart({ ...thread.state, rollover: null });
}

function writeSegments(thread: TestThread): void {
  while (thread.steps('archiveSegment').length > 0) {
    thread.done('archiveSegment', null);
  }
}

describe('the worst that a thread may carry from one run to the next', () => {
  it('is below what the service takes in one payload, and can be asked for', () => {
    const thread = worst();
    const codes = new Set(rejections(thread).map(({ code }) => code));
    expect([...codes].sort()).toEqual(['queueFull', 'tooMuchWaiting']);
    // The step under way ends, and everything that may be archived is archived before the next one.
    thread.dispatch({ type: 'rolloverDue' });
    thread.answer(exec('true'));
    writeSegments(thread);
    expect(thread.running).toContain('continueAsNew');
    const { state } = thread;
    if (process.env['SHOW_BYTES'] !== undefined)
      console.log(
        Object.entries(state)
          .map(([key, value]) => `${key} ${bytesOf(value)}`)
          .join('\n'),
      );
    expect(bytesOf(toCarryOver(state))).toBeLessThan(CARRY_OVER_BYTES);
    expect(CARRY_OVER_BYTES).toBeLessThan(SERVICE_LIMIT);
    expect(bytesOf(toThreadView(state))).toBeLessThan(SERVICE_LIMIT);
    expect(bytesOf(toCarryOver(state))).toBeGreaterThan(1_500_000);
  });

  it('is listed in docs/payloads.md, member by member', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/payloads.md'), 'utf8');
    const listed = [...page.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
    const members = [...Object.keys(newThreadState('t', SETTINGS, 1)), 'decisions', 'redo'];
    expect(members.filter((member) => !listed.includes(member))).toEqual([]);
    for (const bytes of Object.values(MOST_BYTES)) expect(page).toContain(bytes.toLocaleString('en'));
  });
});
