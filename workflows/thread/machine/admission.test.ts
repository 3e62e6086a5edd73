/** Which messages a thread refuses, and why. */
import { describe, expect, it } from 'vitest';
import type { ApprovalDecision, ResolveRequest, SubmitTurn, ThreadRequest } from '../../../src/contract/index.ts';
import { everyRequest } from '../../../src/contract/test-every-type.ts';
import { toTypedInput } from '../../../src/contract/plain/remembering.ts';
import type { Refusal } from '../state/refusal.ts';
import type { ThreadState } from '../state/state.ts';
import { type TestThread, testThread, text } from '../testing/fixtures.ts';
import {
  isKnownTurn,
  refuseAnswer,
  refuseInterrupt,
  refusePreview,
  refuseQueueEdit,
  refuseRevoke,
  refuseRollback,
  refuseSteer,
  refuseTreeBudget,
  refuseTurn,
} from './admission.ts';

const codeOf = (refusal: Refusal | null) => refusal?.code ?? null;
const turn = (more: Partial<SubmitTurn> = {}): SubmitTurn => ({
  turnId: 'b',
  kind: 'regular',
  input: text('hi'),
  ...more,
});
const atRest = () => testThread().state;

function busy(more: Partial<SubmitTurn> = {}): ThreadState {
  const thread = testThread();
  thread.dispatch({ type: 'turnSubmitted', turn: turn({ turnId: 'a', ...more }) });
  return thread.state;
}

function earlier(state: ThreadState): ThreadState {
  const { decisions: _, ...rest } = state;
  return rest;
}

const CLOSED: ThreadState = { ...atRest(), status: 'closed' };

describe('a thread that is not open', () => {
  it.each(['closing', 'closed'] as const)('takes nothing that would change it: %s', (status) => {
    const state: ThreadState = { ...busy(), status };
    const refusals = [
      refuseTurn(state, turn()),
      refuseSteer(state, { expectedTurnId: 'a', input: text('hi') }),
      refuseQueueEdit(state, { op: 'drop', turnId: 'b' }),
      refuseRollback(state, { numTurns: 1 }),
      refuseRevoke(state, { ruleId: 'rule_1' }),
    ];
    for (const refusal of refusals) {
      expect(refusal).toEqual({
        code: 'threadClosed',
        reason: `Thread t1 is ${status}; once it is closed it can be resumed.`,
      });
    }
  });
});

describe('a turn', () => {
  it('is taken by a thread at rest, of any kind', () => {
    for (const kind of ['regular', 'undo', 'user_shell', 'compact'] as const) {
      expect(refuseTurn(atRest(), turn({ kind, onBusy: 'reject' }))).toBeNull();
    }
  });

  it.each<[Partial<SubmitTurn>, string | null]>([
    [{}, null],
    [{ onBusy: 'replace' }, null],
    [{ onBusy: 'queue' }, null],
    [{ onBusy: 'steer' }, null],
    [{ onBusy: 'reject' }, 'threadBusy'],
    [{ kind: 'undo', input: [] }, 'threadBusy'],
    [{ kind: 'undo', input: [], onBusy: 'replace' }, 'threadBusy'],
    [{ kind: 'undo', input: [], onBusy: 'queue' }, null],
    [{ kind: 'compact', input: [], onBusy: 'steer' }, 'turnNotSteerable'],
    [{ kind: 'user_shell' }, null],
    [{ kind: 'user_shell', onBusy: 'reject' }, 'threadBusy'],
  ])('is taken beside an active one as it asks for: %j', (more, code) => {
    expect(codeOf(refuseTurn(busy(), turn(more)))).toBe(code);
    expect(codeOf(refuseTurn(earlier(busy()), turn(more)))).toBe(code);
  });

  it('says what stands in its way', () => {
    expect(refuseTurn(busy(), turn({ onBusy: 'reject' }))?.reason).toContain('Turn a is active');
    expect(refuseTurn(busy(), turn({ kind: 'undo', input: [] }))?.reason).toContain('undo is for a thread at rest');
    expect(refuseTurn(busy(), turn({ kind: 'compact', input: [], onBusy: 'steer' }))?.reason).toContain(
      'A compact cannot steer',
    );
  });

  it('is known by its id', () => {
    expect(isKnownTurn(busy(), 'a')).toBe(true);
    expect(isKnownTurn(busy(), 'b')).toBe(false);
  });
});

describe('steered input', () => {
  const active = (more: object): ThreadState => {
    const state = busy();
    return { ...state, active: { ...state.active!, ...more } };
  };
  const aborting = { reason: 'interrupted', detail: null, since: 1, awaiting: [], quiescent: true };

  it.each<[string, ThreadState, string | null, string]>([
    ['the active turn', busy(), null, ''],
    ['another one', { ...busy(), active: { ...busy().active!, turnId: 'c' } }, 'turnNotActive', 'the active turn is c'],
    ['a thread at rest', atRest(), 'turnNotActive', 'no turn is active'],
    ['a kind that takes none', busy({ kind: 'user_shell' }), 'turnNotSteerable', 'Turn a is a user_shell'],
    ['a turn that is ending', active({ ending: { status: 'completed' } }), 'turnNotSteerable', 'is ending'],
    ['a turn that is stopped', active({ aborting }), 'turnNotSteerable', 'is being aborted'],
  ])('is for %s, or refused', (_, state, code, says) => {
    for (const one of [state, earlier(state)]) {
      const refusal = refuseSteer(one, { expectedTurnId: 'a', input: text('hi') });
      expect(codeOf(refusal)).toBe(code);
      expect(refusal?.reason ?? '').toContain(says);
    }
  });
});

describe('an interrupt', () => {
  const withAll = (): ThreadState => {
    const thread: TestThread = testThread();
    thread.submit('a');
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    thread.submit('queued', 'later', { onBusy: 'queue' });
    return thread.state;
  };

  it.each([
    ['a', null],
    ['shell', null],
    ['queued', null],
    [undefined, null],
    ['other', 'turnNotActive'],
  ])('is for a turn that there is: %s', (turnId, code) => {
    expect(codeOf(refuseInterrupt(withAll(), turnId === undefined ? {} : { turnId }))).toBe(code);
  });

  it('without a turn needs one, unless it is for the tree', () => {
    expect(refuseInterrupt(atRest(), {})).toMatchObject({
      code: 'turnNotActive',
      reason: expect.stringContaining('no active turn') as string,
    });
    expect(refuseInterrupt(atRest(), { tree: true })).toBeNull();
    expect(codeOf(refuseInterrupt(atRest(), { tree: false }))).toBe('turnNotActive');
    expect(refuseInterrupt({ ...withAll(), active: null }, {})).toBeNull();
    expect(refuseInterrupt({ ...withAll(), beside: [] }, {})).toBeNull();
  });
});

describe('a preview of an undo', () => {
  it('is for a thread at rest with a turn to undo', () => {
    const record = {
      turnId: 'a',
      kind: 'regular',
      status: 'completed',
      firstItem: 0,
      endItem: 1,
      snapshot: null,
    } as const;
    expect(refusePreview({ ...atRest(), turns: [record] })).toBeNull();
    expect(codeOf(refusePreview({ ...atRest(), turns: [{ ...record, kind: 'user_shell' }] }))).toBe('notEnoughTurns');
    expect(codeOf(refusePreview(atRest()))).toBe('notEnoughTurns');
    expect(codeOf(refusePreview({ ...busy(), turns: [record] }))).toBe('threadBusy');
  });
});

describe('a budget from above', () => {
  it('is for threads that have one above them', () => {
    expect(codeOf(refuseTreeBudget(atRest()))).toBe('notAChild');
    expect(refuseTreeBudget(testThread({ parent: { threadId: 'p', path: ['p'], role: 'agent' } }).state)).toBeNull();
  });
});

describe('an answer', () => {
  const requestOf = (type: ThreadRequest['type'], more: object = {}) =>
    ({
      ...everyRequest('any').find((one) => one.type === type),
      requestId: 'req_1',
      origin: null,
      ...more,
    }) as ThreadRequest;
  const other = requestOf('fileChange', { requestId: 'req_0' });
  const refusal = (request: ThreadRequest, answer: Partial<ResolveRequest>, state = atRest()) =>
    codeOf(
      refuseAnswer({ ...state, requests: [other, request] }, { requestId: 'req_1', decision: 'accept', ...answer }),
    );
  const answers = { name: { answers: ['yes'] } };

  it.each<[ThreadRequest['type'], Partial<ResolveRequest>, string | null]>([
    ['commandExecution', {}, null],
    ['commandExecution', { decision: 'cancel' }, null],
    ['commandExecution', { answers }, 'requestMismatch'],
    ['userInput', { answers }, null],
    ['userInput', {}, 'requestMismatch'],
    ['userInput', { decision: 'decline' }, null],
    ['userInput', { decision: 'cancel' }, null],
    ['budget', {}, null],
    ['commandExecution', { requestId: 'req_2' }, 'requestNotOpen'],
  ])('fits its request: %s, %j', (type, answer, code) => {
    expect(refusal(requestOf(type), answer)).toBe(code);
    expect(refusal(requestOf(type), answer, earlier(atRest()))).toBe(code);
  });

  it('is sent down once', () => {
    const origin = { threadId: 'c', path: ['c'], requestId: 'req_1', answered: false };
    expect(refusal(requestOf('fileChange', { origin }), {})).toBeNull();
    expect(refusal(requestOf('fileChange', { origin: { ...origin, answered: true } }), {})).toBe('requestNotOpen');
  });

  it.each<[ThreadRequest['type'], ApprovalDecision, 'call' | 'thread', string | null]>([
    ['commandExecution', 'accept', 'thread', null],
    ['commandExecution', 'decline', 'thread', null],
    ['commandExecution', 'cancel', 'thread', 'requestMismatch'],
    ['commandExecution', 'acceptForSession', 'thread', 'requestMismatch'],
    ['commandExecution', 'cancel', 'call', null],
    ['budget', 'accept', 'thread', 'requestMismatch'],
    ['budget', 'accept', 'call', null],
    ['userInput', 'decline', 'thread', 'requestMismatch'],
  ])('can be remembered if it is about what runs: %s, %s, %s', (type, decision, scope, code) => {
    expect(refusal(requestOf(type), { decision, remember: { scope } })).toBe(code);
  });

  it('says why it cannot be remembered', () => {
    const reason = (type: ThreadRequest['type']) =>
      refuseAnswer(
        { ...atRest(), requests: [requestOf(type)] },
        { requestId: 'req_1', decision: 'decline', remember: { scope: 'thread' } },
      )?.reason;
    expect(reason('budget')).toContain('about a budget');
    expect(reason('userInput')).toContain('about the answer to a question');
  });

  it('cannot be remembered for what is typed into a command, except in a run that an earlier release began', () => {
    const request = { ...requestOf('commandExecution'), command: toTypedInput(12, 'bash', 'y\n') } as ThreadRequest;
    const remember = { scope: 'thread' } as const;
    const told = refuseAnswer(
      { ...atRest(), requests: [request] },
      { requestId: 'req_1', decision: 'accept', remember },
    );
    expect(told?.reason).toContain('about what is typed into a command');
    expect(refusal(request, {})).toBeNull();
    expect(refusal(request, { remember }, { ...atRest(), decisions: 8 })).toBeNull();
  });

  it('is taken by a thread that is closed as long as its request is open', () => {
    expect(
      refuseAnswer({ ...CLOSED, requests: [requestOf('fileChange')] }, { requestId: 'req_1', decision: 'accept' }),
    ).toBeNull();
  });
});
