/** Queued turns: edited, moved and dropped before they begin. */
import type { EditQueue, QueueChange } from '../../../src/contract/index.ts';
import { imagesOf } from '../../../src/contract/plain/input-size.ts';
import { takesImages } from '../../../src/contract/plain/turn-kinds.ts';
import type { Refusal } from '../state/refusal.ts';
import { emit } from '../state/log.ts';
import { type QueuedTurn, type ThreadState, decidesAnew } from '../state/state.ts';
import { tasks } from '../tasks/index.ts';
import { dropQueued } from '../turns/turns.ts';
import { refuseLargerTurn } from '../state/waiting.ts';

/** The reason why an edit cannot be applied now; null if it can. */
export function refuseEdit(state: ThreadState, edit: EditQueue): Refusal | null {
  const turn = state.queue.find(({ turnId }) => turnId === edit.turnId);
  if (turn === undefined) return notQueued(state, edit.turnId);
  if (edit.op === 'edit' && edit.input !== undefined && !tasks.takesInput(turn.kind)) {
    return { code: 'malformed', reason: `Turn ${edit.turnId} is a ${turn.kind}, which takes no input.` };
  }
  if (edit.op === 'edit' && imagesOf(edit.input ?? []) > 0 && !takesImages(turn.kind)) {
    return { code: 'malformed', reason: `Turn ${edit.turnId} is a ${turn.kind}, which takes no images.` };
  }
  if (edit.op === 'edit' && decidesAnew(state)) return refuseLargerTurn(state, edit);
  if (edit.op !== 'move' || edit.before === undefined || isQueued(state, edit.before)) return null;
  return notQueued(state, edit.before);
}

function isQueued(state: ThreadState, turnId: string): boolean {
  return state.queue.some((queued) => queued.turnId === turnId);
}

function notQueued(state: ThreadState, turnId: string): Refusal {
  const waiting = state.queue.map((queued) => queued.turnId).join(', ');
  const reason = `Turn ${turnId} does not wait in the queue of thread ${state.threadId} (any more): ${waiting === '' ? 'nothing waits' : `these do: ${waiting.slice(0, 1_000)}`}.`;
  return { code: 'turnNotQueued', reason };
}

/** Applies an edit that {@link refuseEdit} allows. */
export function editQueue(state: ThreadState, at: number, edit: EditQueue): ThreadState {
  const { turnId } = edit;
  switch (edit.op) {
    case 'edit': {
      const { input, overrides } = edit;
      const change = { ...(input === undefined ? {} : { input }), ...(overrides === undefined ? {} : { overrides }) };
      const queue = state.queue.map((queued) => (queued.turnId === turnId ? { ...queued, ...change } : queued));
      return tellOf({ ...state, queue }, at, edit, queue);
    }
    case 'move': {
      const queue = moved(state.queue, turnId, edit.before ?? null);
      return tellOf({ ...state, queue }, at, edit, queue);
    }
    case 'drop': {
      // The terminal event is the last one of a turn, so the event about the queue comes first.
      const rest = state.queue.filter((queued) => queued.turnId !== turnId);
      return dropQueued(tellOf(state, at, edit, rest), at, turnId, 'interrupted', edit.reason ?? null);
    }
  }
}

/** @param before null for the end. */
function moved(queue: readonly QueuedTurn[], turnId: string, before: string | null): QueuedTurn[] {
  if (before === turnId) return [...queue];
  const rest = queue.filter((queued) => queued.turnId !== turnId);
  const place = before === null ? rest.length : rest.findIndex((queued) => queued.turnId === before);
  return [...rest.slice(0, place), ...queue.filter((queued) => queued.turnId === turnId), ...rest.slice(place)];
}

const CHANGES = { edit: 'edited', move: 'moved', drop: 'dropped' } as const satisfies Record<
  EditQueue['op'],
  QueueChange
>;

function tellOf(state: ThreadState, at: number, { turnId, op }: EditQueue, queue: readonly QueuedTurn[]): ThreadState {
  const waiting = queue.map((queued) => queued.turnId);
  return emit(state, at, { type: 'turn/queueUpdated', turnId, change: CHANGES[op], queue: waiting });
}
