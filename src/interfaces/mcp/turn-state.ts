/** What became of a turn, from the thread alone: this door keeps nothing, so any server can answer about any turn. */
import { BobbinError } from '../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../client/index.ts';
import { PASSING } from '../../client/threads/event-stream.ts';
import type { ReviewOutput, ThreadEvent, ThreadRequest, ThreadView, TurnCompletion } from '../../contract/index.ts';
import { toPhaseWords } from '../../contract/plain/words/waiting-words.ts';

export type TurnState =
  /** `seq`: the newest event when it was read; null if nobody answers. */
  | { status: 'working'; message: string; requests: ThreadRequest[]; startedAt: number | null; seq: number | null }
  | { status: 'ended'; turn: TurnCompletion; review: ReviewOutput | null; endedAt: number }
  | { status: 'rejected'; code: string; reason: string; at: number }
  | { status: 'unknown' };

/** Throws what the client throws, except that no worker answers: the turn is kept, and works on later. */
export async function readTurn(thread: ThreadHandle, turnId: string): Promise<TurnState> {
  try {
    const view = await thread.view();
    return atWork(view, turnId) ?? (await findEnd(thread, view, turnId));
  } catch (error) {
    if (!(error instanceof BobbinError) || !PASSING.has(error.code)) throw error;
    const message = `kept, but nobody answers: ${error.message}`;
    return { status: 'working', message, requests: [], startedAt: null, seq: null };
  }
}

function atWork(view: ThreadView, turnId: string): TurnState | null {
  const { activeTurn, queuedTurns, openRequests, besideTurns, lastSeq: seq } = view;
  const base = { status: 'working', requests: [], startedAt: null, seq } as const;
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
async function findEnd(thread: ThreadHandle, { lastSeq }: ThreadView, turnId: string): Promise<TurnState> {
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
): Promise<TurnState | null> {
  let review: ReviewOutput | null = null;
  for await (const event of thread.events({ after })) {
    if (event.type === 'item/completed' && event.turnId === turnId && event.item.type === 'exitedReviewMode')
      review = event.item.reviewOutput;
    if (event.type === 'turn/completed' && event.turn.turnId === turnId)
      return { status: 'ended', turn: event.turn, review, endedAt: event.at };
    if (isRejection(event, turnId)) return { status: 'rejected', code: event.code, reason: event.reason, at: event.at };
    if (event.seq >= before - 1) break;
  }
  return null;
}

type Rejection = Extract<ThreadEvent, { type: 'message/rejected' }>;

function isRejection(event: ThreadEvent, turnId: string): event is Rejection {
  return event.type === 'message/rejected' && event.id === turnId && event.message === 'submitTurn';
}

export interface Patience {
  /** Ends the wait: the client has left. */
  signal: AbortSignal;
  waitMs: number;
  onProgress: (message: string) => void;
}

/** Waits until the turn has ended, or waits for a person, or the time is over. Returns its state then. */
export async function followTurn(thread: ThreadHandle, turnId: string, patience: Patience): Promise<TurnState> {
  const { signal, waitMs, onProgress } = patience;
  const stop = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  let state = await readTurn(thread, turnId);
  if (state.status !== 'working' || state.requests.length > 0 || stop.aborted) return state;
  onProgress(state.message);
  // From where the state was read, so nothing in between is missed.
  for await (const event of thread.events({ after: state.seq ?? 0, signal: stop })) {
    if (event.type === 'item/started') onProgress(`${event.item.type} ${event.item.id}`);
    if (!mayEndTheWait(event, turnId)) continue;
    state = await readTurn(thread, turnId);
    if (state.status !== 'working' || state.requests.length > 0) return state;
    onProgress(state.message);
  }
  return state.seq === null ? state : readTurn(thread, turnId);
}

function mayEndTheWait(event: ThreadEvent, turnId: string): boolean {
  return (
    'request' in event ||
    event.type === 'subThread/updated' ||
    event.type === 'thread/closed' ||
    (event.type === 'turn/completed' && event.turn.turnId === turnId) ||
    isRejection(event, turnId)
  );
}
