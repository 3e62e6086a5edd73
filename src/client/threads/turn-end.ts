/** The end of a submitted turn in the events of its thread, also if it was refused or has steered another one. */
import type { ThreadEvent, ThreadView, TurnCompletion } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';

type Rejection = Extract<ThreadEvent, { type: 'message/rejected' }>;

export function isRejection(event: ThreadEvent, turnId: string): event is Rejection {
  return event.type === 'message/rejected' && event.id === turnId && event.message === 'submitTurn';
}

interface Subject {
  threadId: string;
  view(): Promise<Pick<ThreadView, 'lastSeq'>>;
}

/** @returns what takes the events in their order and resolves with the completion of the turn, or of the one that it steered */
export function createTurnFollower(
  thread: Subject,
  turnId: string,
): (event: ThreadEvent) => Promise<TurnCompletion | null> {
  let awaited = turnId;
  let refusal: { error: BobbinError; until: number } | null = null;
  return async (event) => {
    if (isRejection(event, turnId)) {
      const error = new BobbinError(event.code, `Thread ${thread.threadId} refused turn ${turnId}: ${event.reason}`);
      // A refused turn may have been submitted again.
      const { lastSeq } = await thread.view().catch(() => ({ lastSeq: event.seq }));
      refusal = { error, until: lastSeq };
    }
    if ((event.type === 'turn/queued' || event.type === 'turn/started') && event.turnId === turnId) refusal = null;
    if (event.type === 'turn/steered' && event.steerTurnId === turnId) {
      awaited = event.turnId;
      refusal = null;
    }
    if (event.type === 'turn/completed' && event.turn.turnId === awaited) return event.turn;
    if (refusal !== null && event.seq >= refusal.until) throw refusal.error;
    return null;
  };
}
