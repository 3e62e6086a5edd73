/** Whether the thread accepts a message now. Updates are checked before they are accepted, signals when they arrive. */
import type {
  AgentMessage,
  EditQueue,
  InterruptTurn,
  MoveThread,
  ResolveRequest,
  RevokeRule,
  RollbackTurns,
  SteerTurn,
  SubmitTurn,
  ThreadRequest,
} from '../../../src/contract/index.ts';
import { isTypedInput, mayBeRemembered } from '../../../src/contract/plain/remembering.ts';
import { CONVERSATION, runsBeside } from '../../../src/contract/plain/turn-kinds.ts';
import { refuseDrop } from '../turns/dropped-turns.ts';
import type { Refusal } from '../state/refusal.ts';
import { refuseToMove } from './moving.ts';
import { refuseEdit } from './queue.ts';
import { refuseRevocation } from '../approvals/rules.ts';
import { type ThreadState, asksForInputAgain, decidesAnew } from '../state/state.ts';
import { tasks } from '../tasks/index.ts';
import { openSessions } from '../tools/sessions.ts';
import {
  refuseBeside,
  refuseLargeAnswers,
  refuseLargeTurn,
  refuseMail,
  refuseMoreInput,
  refuseNumber,
  refuseToQueue,
  refuseToReplace,
} from '../state/waiting.ts';

function closed(state: ThreadState): Refusal | null {
  if (state.status === 'open') return null;
  return {
    code: 'threadClosed',
    reason: `Thread ${state.threadId} is ${state.status}; once it is closed it can be resumed.`,
  };
}

/** A known turn id is not refused: it is the same turn again; see {@link isKnownTurn}. */
export function refuseTurn(state: ThreadState, turn: SubmitTurn): Refusal | null {
  const anew = decidesAnew(state);
  const refusal = closed(state) ?? (anew ? refuseLargeTurn(turn) : null);
  if (refusal !== null) return refusal;
  if (state.active === null) return state.moving === undefined ? null : refuseToQueue(state, turn);
  const active = state.active.turnId;
  if (tasks.isForRest(turn.kind) && turn.onBusy !== 'queue') {
    const reason = `Turn ${active} is active, and ${turn.kind} is for a thread at rest: interrupt the turn first, or submit with onBusy queue.`;
    return { code: 'threadBusy', reason };
  }
  if (anew && runsBeside(turn.kind) && turn.onBusy === undefined) return refuseBeside(state, turn);
  switch (turn.onBusy ?? 'replace') {
    case 'reject':
      return { code: 'threadBusy', reason: `Turn ${active} is active and the message asked to be rejected then.` };
    case 'steer':
      if (!tasks.canSteer(turn.kind)) {
        return {
          code: 'turnNotSteerable',
          reason: `A ${turn.kind} cannot steer; submit it with another onBusy, or without.`,
        };
      }
      return refuseSteer(state, { expectedTurnId: active, input: turn.input });
    case 'queue':
      return anew ? refuseToQueue(state, turn) : refuseNumber(state);
    case 'replace':
      return anew ? refuseToReplace(state) : null;
  }
}

export function isKnownTurn(state: ThreadState, turnId: string): boolean {
  return state.knownTurnIds.includes(turnId);
}

export function refuseSteer(state: ThreadState, steer: SteerTurn): Refusal | null {
  const refusal = closed(state);
  if (refusal !== null) return refusal;
  const active = state.active;
  if (active?.turnId !== steer.expectedTurnId) return notActive(state, steer.expectedTurnId);
  if (!tasks.isSteerable(active)) {
    return { code: 'turnNotSteerable', reason: `Turn ${active.turnId} is a ${active.kind}, which cannot be steered.` };
  }
  if (active.ending !== undefined) {
    return { code: 'turnNotSteerable', reason: `Turn ${active.turnId} is ending; submit a new turn.` };
  }
  if (active.aborting !== null) {
    return { code: 'turnNotSteerable', reason: `Turn ${active.turnId} is being aborted; submit a new turn.` };
  }
  return decidesAnew(state) ? refuseMoreInput(state, steer) : null;
}

export function refuseQueueEdit(state: ThreadState, edit: EditQueue): Refusal | null {
  return closed(state) ?? refuseEdit(state, edit);
}

export function refuseMove(state: ThreadState, move: MoveThread): Refusal | null {
  return closed(state) ?? refuseToMove(state, move);
}

export function refuseAgentMessage(state: ThreadState, message: AgentMessage): Refusal | null {
  return decidesAnew(state) ? refuseMail(state, message) : null;
}

export function refuseRollback(state: ThreadState, rollback: RollbackTurns): Refusal | null {
  return closed(state) ?? refuseDrop(state, rollback);
}

export function refusePreview(state: ThreadState): Refusal | null {
  if (state.active !== null) {
    const reason = `Turn ${state.active.turnId} is active; interrupt it, or wait for its end, and ask again.`;
    return { code: 'threadBusy', reason };
  }
  if (state.turns.some(({ kind }) => kind === CONVERSATION)) return null;
  return { code: 'notEnoughTurns', reason: `Thread ${state.threadId} has no turn that could be undone.` };
}

export function refuseRevoke(state: ThreadState, revocation: RevokeRule): Refusal | null {
  return closed(state) ?? refuseRevocation(state, revocation);
}

export function refuseInterrupt(state: ThreadState, interrupt: InterruptTurn): Refusal | null {
  const { turnId, tree } = interrupt;
  if (tree === true) return null;
  if (turnId === undefined) {
    return state.active !== null || state.beside.length > 0 || openSessions(state).length > 0
      ? null
      : { code: 'turnNotActive', reason: `Thread ${state.threadId} has no active turn to interrupt.` };
  }
  const found =
    state.active?.turnId === turnId ||
    state.beside.some((turn) => turn.turnId === turnId) ||
    state.queue.some((turn) => turn.turnId === turnId);
  return found ? null : notActive(state, turnId);
}

function notActive(state: ThreadState, turnId: string): Refusal {
  const active = state.active === null ? 'no turn is active' : `the active turn is ${state.active.turnId}`;
  return { code: 'turnNotActive', reason: `Turn ${turnId} is not active in thread ${state.threadId}: ${active}.` };
}

export function refuseTreeBudget(state: ThreadState): Refusal | null {
  if (state.settings.parent !== null) return null;
  return { code: 'notAChild', reason: `Thread ${state.threadId} has no thread above it that could limit it.` };
}

export function refuseAnswer(state: ThreadState, answer: ResolveRequest): Refusal | null {
  const request = state.requests.find((open) => open.requestId === answer.requestId);
  if (request === undefined) {
    return {
      code: 'requestNotOpen',
      reason: `Request ${answer.requestId} is not open in thread ${state.threadId}: it was answered, withdrawn, or never made.`,
    };
  }
  if (request.origin?.answered === true) {
    return {
      code: 'requestNotOpen',
      reason: `Request ${answer.requestId} has an answer, which is on its way to thread ${request.origin.threadId}.`,
    };
  }
  if (
    request.type === 'userInput' &&
    answer.decision !== 'decline' &&
    answer.decision !== 'cancel' &&
    !answer.answers
  ) {
    return { code: 'requestMismatch', reason: `Request ${answer.requestId} asks questions: \`answers\` are needed.` };
  }
  if (request.type !== 'userInput' && answer.answers) {
    return { code: 'requestMismatch', reason: `Request ${answer.requestId} is an approval: it takes no \`answers\`.` };
  }
  return refuseToRemember(state, request, answer) ?? (decidesAnew(state) ? refuseLargeAnswers(answer) : null);
}

function refuseToRemember(
  state: ThreadState,
  request: ThreadRequest,
  { requestId, decision, remember }: ResolveRequest,
): Refusal | null {
  if (remember === undefined || remember.scope === 'call') return null;
  if (!mayBeRemembered(request) && (asksForInputAgain(state) || !isTypedInput(request))) {
    const what = SUBJECTS[request.type];
    return { code: 'requestMismatch', reason: `Request ${requestId} cannot be remembered: it is about ${what}.` };
  }
  if (decision === 'accept' || decision === 'decline') return null;
  return { code: 'requestMismatch', reason: `\`remember\` goes with accept or decline, and not with ${decision}.` };
}

const SUBJECTS: Partial<Record<ThreadRequest['type'], string>> = {
  budget: 'a budget',
  userInput: 'the answer to a question',
  commandExecution: 'what is typed into a command',
};
