/** Waits for a turn as long as a call may last. */
import type { ThreadHandle } from '../../client/index.ts';
import { isRejection } from '../../client/threads/turn-end.ts';
import { type TurnState, readTurn } from '../../client/threads/turn-state.ts';
import type { ThreadEvent } from '../../contract/index.ts';

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
    if (!mayEndTheWait(event, turnId, state.turnId)) continue;
    state = await readTurn(thread, turnId);
    if (state.status !== 'working' || state.requests.length > 0) return state;
    onProgress(state.message);
  }
  return state.seq === null ? state : readTurn(thread, turnId);
}

/** @param awaited the turn itself, or the one that it steered */
function mayEndTheWait(event: ThreadEvent, turnId: string, awaited: string): boolean {
  return (
    'request' in event ||
    event.type === 'subThread/updated' ||
    event.type === 'thread/closed' ||
    (event.type === 'turn/completed' && event.turn.turnId === awaited) ||
    isRejection(event, turnId)
  );
}
