/** What became of a turn, from the thread alone: nobody keeps it elsewhere, so any client can tell about any turn. */
import { BobbinError } from '../bobbin-error.ts';
import { PASSING } from './event-stream.ts';
import type { ThreadHandle } from './thread-handle.ts';
import { isRejection } from './turn-end.ts';
import type { ReviewOutput, ThreadRequest, ThreadView, TurnCompletion } from '../../contract/index.ts';
import { toPhaseWords } from '../../contract/plain/words/waiting-words.ts';

export type TurnState =
  /**
   * `turnId`: of the turn that works on it, which may be one that it steered. `seq`: the newest event when it was read; null if
   * nobody answers.
   */
  | {
      status: 'working';
      turnId: string;
      message: string;
      requests: ThreadRequest[];
      startedAt: number | null;
      seq: number | null;
    }
  /** `seq`: of its terminal event. */
  | { status: 'ended'; turn: TurnCompletion; review: ReviewOutput | null; endedAt: number; seq: number }
  | { status: 'rejected'; code: string; reason: string; at: number }
  | { status: 'unknown' };

/** Throws what the client throws, except that no worker answers: the turn is kept, and works on later. */
export async function readTurn(thread: ThreadHandle, turnId: string): Promise<TurnState> {
  try {
    const view = await thread.view();
    const found = atWork(view, turnId) ?? (await findEnd(thread, view, turnId));
    if (found.status !== 'steered') return found;
    const steered = atWork(view, found.turnId) ?? (await findEnd(thread, view, found.turnId));
    return steered.status === 'steered' ? { status: 'unknown' } : steered;
  } catch (error) {
    if (!(error instanceof BobbinError) || !PASSING.has(error.code)) throw error;
    const message = `kept, but nobody answers: ${error.message}`;
    return { status: 'working', turnId, message, requests: [], startedAt: null, seq: null };
  }
}

/** Its input went to that turn. */
type Steered = { status: 'steered'; turnId: string };

function atWork(view: ThreadView, turnId: string): TurnState | null {
  const { activeTurn, queuedTurns, openRequests, besideTurns, lastSeq: seq } = view;
  const base = { status: 'working', turnId, requests: [], startedAt: null, seq } as const;
  const place = queuedTurns.findIndex((queued) => queued.turnId === turnId);
  if (place !== -1) return { ...base, message: `queued, ${place} before it`, requests: [] };
  const beside = besideTurns.find((one) => one.turnId === turnId);
  if (beside !== undefined) return { ...base, message: 'runs a command', requests: [], startedAt: beside.startedAt };
  if (activeTurn?.turnId !== turnId) return null;
  const requests = openRequests.filter(({ origin }) => origin?.answered !== true);
  const message = toPhaseWords(activeTurn.phase, (name) => name);
  return { ...base, message, requests, startedAt: activeTurn.startedAt };
}

/** Events that are looked through first; the end of a turn that is asked about is usually among the newest. */
const FIRST_LOOK = 200;

/** Looks through the events from their end, in larger and larger parts. */
async function findEnd(thread: ThreadHandle, { lastSeq }: ThreadView, turnId: string): Promise<TurnState | Steered> {
  let before = lastSeq + 1;
  for (let size = FIRST_LOOK; before > 1; size *= 4) {
    const after = Math.max(0, before - 1 - size);
    const found = await findIn(thread, { after, before }, turnId);
    if (found !== null) return found;
    before = after + 1;
  }
  return { status: 'unknown' };
}

async function findIn(
  thread: ThreadHandle,
  { after, before }: { after: number; before: number },
  turnId: string,
): Promise<TurnState | Steered | null> {
  let review: ReviewOutput | null = null;
  let rejection: TurnState | null = null;
  for await (const event of thread.events({ after })) {
    if (event.type === 'item/completed' && event.turnId === turnId && event.item.type === 'exitedReviewMode')
      review = event.item.reviewOutput;
    if (event.type === 'turn/completed' && event.turn.turnId === turnId)
      return { status: 'ended', turn: event.turn, review, endedAt: event.at, seq: event.seq };
    if (event.type === 'turn/steered' && event.steerTurnId === turnId)
      return { status: 'steered', turnId: event.turnId };
    // A refused turn may have been submitted again.
    if (isRejection(event, turnId))
      rejection = { status: 'rejected', code: event.code, reason: event.reason, at: event.at };
    if (event.seq >= before - 1) break;
  }
  return rejection;
}
