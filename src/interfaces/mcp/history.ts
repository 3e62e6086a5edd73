/** Reads a thread: its state, pages of its items, its newest turn. */
import { BobbinError } from '../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../client/index.ts';
import { isRejection } from '../../client/threads/turn-end.ts';
import { MAX_PAGE_CHARS, describeItem, describeRequest, pieceOf } from './results.ts';

export async function newestTurn(thread: ThreadHandle): Promise<string> {
  const { activeTurn, queuedTurns, lastSeq } = await thread.view();
  const atWork = activeTurn ?? queuedTurns[0];
  if (atWork !== undefined) return atWork.turnId;
  let newest = '';
  for (let size = 200; newest === '' && lastSeq > 0; size *= 4) {
    const after = Math.max(0, lastSeq - size);
    for await (const event of thread.events({ after })) {
      if (event.type === 'turn/completed') newest = event.turn.turnId;
      if (event.seq >= lastSeq) break;
    }
    if (after === 0) break;
  }
  if (newest !== '') return newest;
  throw new BobbinError('turnNotActive', `Thread ${thread.threadId} has had no turn.`);
}

const STEER_MS = 5_000;

/**
 * The turn that a steering message went to: its own if none was active, or if it was refused. The message is sent, so nothing here
 * may fail.
 * @param after an event before the message; null if nobody answered then
 */
export async function steeredBy(thread: ThreadHandle, turnId: string, after: number | null): Promise<string> {
  if (after === null) return turnId;
  try {
    for await (const event of thread.events({ after, signal: AbortSignal.timeout(STEER_MS) })) {
      if (event.type === 'turn/steered' && event.steerTurnId === turnId) return event.turnId;
      const isOwn = (event.type === 'turn/started' || event.type === 'turn/queued') && event.turnId === turnId;
      if (isOwn || isRejection(event, turnId)) return turnId;
    }
  } catch (error) {
    if (!(error instanceof BobbinError)) throw error;
  }
  return turnId;
}

/** Null if nobody answers. */
export async function newestEvent(thread: ThreadHandle): Promise<number | null> {
  const view = await thread.view().catch(() => null);
  return view?.lastSeq ?? null;
}

export async function readPage(thread: ThreadHandle, after: number | undefined, limit: number) {
  const view = await thread.view();
  const from = after ?? Math.max(0, view.itemCount - limit);
  const items: object[] = [];
  let chars = 0;
  for await (const item of thread.items({ after: from })) {
    const described = describeItem(item);
    chars += JSON.stringify(described).length;
    if (items.length === limit || (items.length > 0 && chars > MAX_PAGE_CHARS)) break;
    items.push(described);
  }
  const next = from + items.length;
  return {
    threadId: thread.threadId,
    status: view.status,
    cwd: view.settings.cwd,
    turn: view.activeTurn?.turnId ?? null,
    queued: view.queuedTurns.map(({ turnId }) => turnId).slice(0, 20),
    requests: view.openRequests.slice(0, 20).map(describeRequest),
    items,
    ...(next < view.itemCount ? { nextAfter: next } : {}),
    ...(from > 0 ? { older: from } : {}),
  };
}

export async function readItem(thread: ThreadHandle, item: string, offset: number) {
  const index = Number(item.slice('item_'.length));
  for await (const found of thread.items({ after: index }))
    return { threadId: thread.threadId, item, ...pieceOf(found, offset) };
  throw new BobbinError('invalid', `item: thread ${thread.threadId} has no ${item}.`);
}
