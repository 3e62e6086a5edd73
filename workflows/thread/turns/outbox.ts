/** Messages to other threads: kept until they are delivered, in order for each receiver. */
import type { SubThreadReport } from '../../../src/contract/index.ts';
import { REVIEW_TURN } from '../../../src/contract/plain/given-turns.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { type Child, type OutgoingMessage, type ThreadState, countsGiven } from '../state/state.ts';

export function send(state: ThreadState, to: string, message: OutgoingMessage): ThreadState {
  const number = state.messageCount + 1;
  return { ...state, messageCount: number, outbox: [...state.outbox, { number, to, message }] };
}

/** Reports to the thread above, if there is one. */
export function report(state: ThreadState, said: SubThreadReport): ThreadState {
  const { parent } = state.settings;
  if (parent === null) return state;
  if (parent.reports === 'result') return isResult(state, said) ? { ...state, newest: said.turn } : state;
  return send(state, parent.threadId, {
    signal: 'subThreadReport',
    payload: { threadId: state.threadId, report: said },
  });
}

function isResult(
  state: ThreadState,
  said: SubThreadReport,
): said is Extract<SubThreadReport, { type: 'turnCompleted' }> {
  return said.type === 'turnCompleted' && (!countsGiven(state) || said.turn.turnId === REVIEW_TURN);
}

/** One message at a time for each thread, to keep their order; none to a child that has not started yet. */
export function wantedMessages(state: ThreadState): Action[] {
  const starting = new Set(state.children.filter(isStarting).map(({ threadId }) => threadId));
  const firsts = state.outbox.filter(({ to }, index) => state.outbox.findIndex((other) => other.to === to) === index);
  const sendable = firsts.filter(({ to }) => !starting.has(to));
  return sendable.map(({ number, to, message }) => ({
    type: 'sendMessage',
    id: actionIds.message(number),
    to,
    message,
  }));
}

/** A child that has sent a message has started, even if its start has not been confirmed. */
function isStarting({ start, status }: Child): boolean {
  return start !== null && status === 'pendingInit';
}

/** Removes a message from the list; null if it is not on it. */
export function delivered(state: ThreadState, actionId: string): { state: ThreadState; to: string } | null {
  const found = state.outbox.find(({ number }) => actionIds.message(number) === actionId);
  if (found === undefined) return null;
  return { state: { ...state, outbox: state.outbox.filter((one) => one !== found) }, to: found.to };
}
