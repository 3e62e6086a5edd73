/** For tests of the machine: children that send any report a child may send, and obey their messages. */
import type { SubThreadReport, TurnCompletion } from '../../../src/contract/index.ts';
import { TASK_TURN } from '../../../src/contract/plain/given-turns.ts';
import type { Action } from '../state/actions.ts';
import type { MachineInput } from '../state/inputs.ts';
import { NO_USAGE, type ThreadState } from '../state/state.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';

export type ChildSays =
  'completed' | 'aborted' | 'failed' | 'asks' | 'asks below' | 'resolved' | 'spent' | 'waits' | 'closed';

interface Thread {
  state: ThreadState;
  at: number;
}

/** A report of one of the children, or of a stranger. */
export function toReport(thread: Thread, play: { pick: number; says: ChildSays }): MachineInput {
  const { children } = thread.state;
  const threadId = children[play.pick % (children.length + 1)]?.threadId ?? 'stranger';
  return say(threadId, toWords(thread, threadId, play));
}

function say(threadId: string, report: SubThreadReport): MachineInput {
  return { type: 'subThreadReported', message: { threadId, report } };
}

function toWords(thread: Thread, threadId: string, play: { pick: number; says: ChildSays }): SubThreadReport {
  switch (play.says) {
    case 'completed':
    case 'aborted':
    case 'failed':
      return {
        type: 'turnCompleted',
        turn: toCompletion(play.says, toTurnId(thread, threadId, play.pick), `done at ${thread.at}`),
      };
    case 'asks':
    case 'asks below':
      return { type: 'requestOpened', request: toRequest(threadId, thread.at, play.says === 'asks below') };
    case 'resolved': {
      const open = thread.state.requests.filter(({ origin }) => origin?.path[0] === threadId);
      const request = open[play.pick % Math.max(1, open.length)];
      const requestId = request === undefined ? 'req_9' : ownId(request.requestId, threadId);
      return { type: 'requestResolved', requestId, decision: 'accept', by: 'person' };
    }
    case 'spent':
    case 'waits': {
      // Increasing over time, as successive accounts would be.
      const { at } = thread;
      const spent = { tokens: at / 1_000, costMicroUsd: at / 1_000, steps: at / 10_000, wallMs: at };
      const whole = Object.fromEntries(Object.entries(spent).map(([name, amount]) => [name, Math.floor(amount)]));
      return { type: 'usage', spent: { ...NOTHING_SPENT, ...whole }, waits: play.says === 'waits' };
    }
    case 'closed':
      return { type: 'closed', reason: null };
  }
}

/** The oldest turn that the child was given, or now and then one of somebody else. */
function toTurnId({ state: { children } }: Thread, threadId: string, pick: number): string {
  const isForeign = Math.floor(pick / (children.length + 1)) % 4 === 3;
  const given = children.find((child) => child.threadId === threadId)?.given?.[0] ?? TASK_TURN;
  return isForeign ? 'mine' : given;
}

/** The id of a request as the child that reports it knows it. */
function ownId(requestId: string, threadId: string): string {
  return requestId.startsWith(`${threadId}:`) ? requestId.slice(threadId.length + 1) : requestId;
}

function toRequest(threadId: string, at: number, below: boolean) {
  const origin = { threadId: `${threadId}/1`, path: [`${threadId}/1`], requestId: `req_${at}`, answered: false };
  return {
    type: 'commandExecution' as const,
    ...{ command: 'make', cwd: '/work/repo', sandboxed: true, reason: 'why not', turnId: 'task', itemId: 'item_1' },
    requestId: below ? `${threadId}/1:req_${at}` : `req_${at}`,
    openedAt: at,
    deadlineAt: null,
    default: 'decline' as const,
    origin: below ? origin : null,
  };
}

function toCompletion(
  how: 'completed' | 'aborted' | 'failed',
  turnId: string,
  lastAgentMessage = 'done',
): TurnCompletion {
  const common = {
    ...{ turnId, kind: 'regular' as const, lastAgentMessage },
    ...{ startedAt: 1, durationMs: 1, usage: NO_USAGE },
  };
  switch (how) {
    case 'completed':
      return { ...common, status: 'completed' };
    case 'aborted':
      return { ...common, status: 'aborted', reason: 'interrupted', detail: null, quiescent: true };
    case 'failed':
      return { ...common, status: 'failed', error: { code: 'internal', message: 'no' } };
  }
}

/** The reactions of a child to a message. */
export function echoOf(state: ThreadState, { to, message }: Extract<Action, { type: 'sendMessage' }>): MachineInput[] {
  switch (message.signal) {
    case 'closeThread':
      return [say(to, { type: 'closed', reason: null })];
    case 'interruptTurn':
      return (state.children.find(({ threadId }) => threadId === to)?.given ?? [TASK_TURN]).map((turnId) =>
        say(to, { type: 'turnCompleted', turn: toCompletion('aborted', turnId) }),
      );
    case 'submitTurn':
      return [say(to, { type: 'turnCompleted', turn: toCompletion('completed', message.payload.turnId) })];
    case 'resolveRequest': {
      const { requestId, decision } = message.payload;
      const child = state.children.find(({ threadId }) => to === threadId || to.startsWith(`${threadId}/`));
      if (child === undefined) return [];
      const told = to === child.threadId ? requestId : `${to}:${requestId}`;
      return [say(child.threadId, { type: 'requestResolved', requestId: told, decision, by: 'person' })];
    }
    case 'subThreadReport':
    case 'treeBudget':
    case 'agentMessage':
      return [];
  }
}
