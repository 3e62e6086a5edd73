import { describe, expect, it } from 'vitest';
import type { ThreadRequest } from '../../../src/contract/index.ts';
import { everyRequest } from '../../../src/contract/test-every-type.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';
import { EXITED, exec, testThread } from '../testing/fixtures.ts';
import {
  closeRequest,
  openBudgetRequest,
  policyAnswer,
  showRequest,
  toExcerpt,
  wantedDeadlines,
  withdrawRequests,
} from './requests.ts';

const [ANY] = everyRequest('any');
const request = (requestId: string, more: Partial<ThreadRequest> = {}): ThreadRequest =>
  ({ ...ANY, requestId, turnId: 'a', origin: null, deadlineAt: null, ...more }) as ThreadRequest;
const BELOW = { threadId: 'c', path: ['c'], requestId: 'req_1', answered: false };

function withRequests(requests: ThreadRequest[], settings: Parameters<typeof testThread>[0] = {}) {
  return { ...testThread(settings).state, requests };
}

describe('requests that are open', () => {
  it('are closed one at a time, and the thread above learns of both', () => {
    const parent = { threadId: 'p', path: ['p'], role: 'agent' as const };
    const [first, second] = [request('req_1'), request('req_2')];
    const shown = showRequest(withRequests([first], { parent }), 5, second);
    const closed = closeRequest(shown, 6, 'req_1', 'accept', 'person');
    expect(closed.requests).toEqual([second]);
    expect(closed.outbox.map(({ to, message }) => ({ to, ...message.payload }))).toEqual([
      { to: 'p', threadId: 't1', report: { type: 'requestOpened', request: second } },
      {
        to: 'p',
        threadId: 't1',
        report: { type: 'requestResolved', requestId: 'req_1', decision: 'accept', by: 'person' },
      },
    ]);
  });

  it('are withdrawn with their turn, and those of other turns and threads stay', () => {
    const other = request('req_2', { turnId: 'b' });
    const below = request('c:req_1', { origin: BELOW });
    const state = withRequests([request('req_1'), other, below, request('req_3')]);
    const { requests, log } = withdrawRequests(state, 5, 'a');
    expect(requests).toEqual([other, below]);
    expect(log.events.slice(-2)).toMatchObject([
      { type: 'serverRequest/resolved', requestId: 'req_1', decision: 'cancel', by: 'abort' },
      { type: 'serverRequest/resolved', requestId: 'req_3' },
    ]);
  });

  it('have a timer if they are of this thread and have a deadline', () => {
    const state = withRequests([
      request('req_1', { deadlineAt: 70 }),
      request('req_2'),
      request('c:req_1', { deadlineAt: 80, origin: BELOW }),
    ]);
    expect(wantedDeadlines(state)).toMatchObject([
      { type: 'awaitTime', at: 70, about: { type: 'requestDeadline', requestId: 'req_1' } },
    ]);
  });
});

describe('the deadline of a request', () => {
  const asking = (decisions: 8 | 9) => {
    const thread = testThread({ approvalPolicy: 'untrusted', sandbox: 'read-only' });
    thread.restart({ ...thread.state, decisions });
    thread.submit('a');
    thread.answer(exec('ls'), exec('make'));
    return thread;
  };
  const ofRequests = (thread: ReturnType<typeof testThread>) =>
    thread.actions('awaitTime').filter(({ about }) => about.type === 'requestDeadline');

  it('is over with the abort of its turn, although the request is withdrawn later', () => {
    const thread = asking(9);
    const [timer] = ofRequests(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect([ofRequests(thread), thread.state.requests.length]).toEqual([[], 1]);
    thread.dispatch({ type: 'timeCame', id: timer!.id, about: timer!.about });
    expect([ofRequests(thread), thread.state.requests.length]).toEqual([[], 1]);
    thread.done('execCommand', EXITED, thread.stopping[0]);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted' }]);
    expect(thread.state.requests).toEqual([]);
  });

  it('passes on in a run that an earlier release began', () => {
    const thread = asking(8);
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    expect(ofRequests(thread)).toHaveLength(1);
  });
});

describe('a request for more of a budget', () => {
  it.each([
    [60_000, 65_000],
    [0, null],
  ])('has the deadline of the settings: %d', (requestDeadlineMs, deadlineAt) => {
    const asked = {
      turnId: 'a',
      scope: 'turn',
      limit: 'tokens',
      spent: NOTHING_SPENT,
      max: 10,
      grants: 10,
      reason: 'more',
    };
    const { requests } = openBudgetRequest(withRequests([], { requestDeadlineMs }), 5_000, asked as never);
    expect(requests).toMatchObject([{ requestId: 'budget_1', openedAt: 5_000, deadlineAt }]);
  });
});

describe('the policy of a thread that nobody watches', () => {
  const commands = ['req_1', 'req_2'].map((id) => request(id, { type: 'commandExecution' }));
  const question = request('req_3', { type: 'userInput' });

  it('answers as it is set, declines what asks for words, and nothing that is not open', () => {
    const state = withRequests([...commands, question], { unattended: { approvals: 'accept' } });
    expect(policyAnswer(state, 2)).toEqual({ requestId: 'req_2', decision: 'accept' });
    expect(policyAnswer(state, 3)).toEqual({ requestId: 'req_3', decision: 'decline' });
    expect(policyAnswer(state, 4)).toBeNull();
  });

  it('is none if somebody watches', () => {
    expect(policyAnswer(withRequests(commands), 1)).toBeNull();
  });
});

describe('an excerpt', () => {
  it('is the beginning, with the length of the whole', () => {
    const { text, chars } = toExcerpt('x'.repeat(20_000));
    expect(chars).toBe(20_000);
    expect(text.length).toBeLessThanOrEqual(16_000);
    expect(toExcerpt('short')).toEqual({ text: 'short', chars: 5 });
  });
});
