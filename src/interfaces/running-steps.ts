/** What running steps show: text and patches of the model and the output of commands, as far as they have come. Pure. */
import type { Item, PartialEvent, ThreadEvent } from '../contract/index.ts';

/** A step at work. */
export interface Running {
  /** The item, or `message` or `patch` for what the model is writing. */
  id: string;
  /** What it is, as foreign text; empty for a message and a patch. */
  title: string;
  kind: 'message' | 'patch' | 'command' | 'tool';
  /** The end of its text. */
  tail: string;
  /** Characters of its whole text. */
  chars: number;
  turnId: string;
  /** Of a message or a patch: the step and attempt that it belongs to. */
  of: string;
}

export type Live = readonly Running[];

/** More than any screen shows. */
const TAIL_CHARS = 20_000;

export function showPartial(live: Live, event: PartialEvent): Live {
  switch (event.type) {
    case 'item/agentMessage/delta':
      return put(live, grow(begun(live, 'message', event.turnId, `${event.step} ${event.attempt}`), event));
    case 'item/fileChange/patchDelta': {
      const of = `${event.step} ${event.attempt} ${event.call}`;
      return put(live, grow(begun(live, 'patch', event.turnId, of), event));
    }
    case 'item/commandExecution/outputDelta': {
      const known = live.find(({ id }) => id === event.itemId);
      return known === undefined ? live : put(live, grow(known, event));
    }
    case 'item/mcpToolCall/progress': {
      const known = live.find(({ id }) => id === event.itemId);
      return known === undefined ? live : put(live, { ...known, tail: event.message, chars: event.message.length });
    }
    case 'step/retrying':
      return live.filter(({ kind }) => kind !== 'patch');
  }
}

/** What is known of it, if it is the same one. */
function begun(live: Live, kind: 'message' | 'patch', turnId: string, place: string): Running {
  const known = live.find(({ id }) => id === kind);
  const of = `${turnId} ${place}`;
  return known?.of === of ? known : { id: kind, title: '', kind, tail: '', chars: 0, turnId, of };
}

function grow(running: Running, { offset, delta }: { offset: number; delta: string }): Running {
  const chars = offset + delta.length;
  if (chars <= running.chars) return running;
  const isGap = offset > running.chars;
  const added = isGap ? `… ${delta}` : delta.slice(running.chars - offset);
  return { ...running, chars, tail: (running.tail + added).slice(-TAIL_CHARS) };
}

/** A finished item, turn or step shows nothing more. */
export function noteEvent(live: Live, event: ThreadEvent): Live {
  if (event.type === 'item/started') {
    const left = live.filter(({ id, turnId }) => !(id === 'patch' && endsPatch(event.item, turnId)));
    const started = toRunning(event.item);
    return started === undefined ? left : put(left, started);
  }
  if (event.type === 'item/completed') {
    const { item } = event;
    const ends = ({ id, turnId }: Running) =>
      id === item.id ||
      (id === 'message' && endsMessage(item, turnId)) ||
      (id === 'patch' && (endsMessage(item, turnId) || endsPatch(item, turnId)));
    return live.filter((running) => !ends(running));
  }
  if (event.type === 'turn/completed') return live.filter(({ turnId }) => turnId !== event.turn.turnId);
  return live;
}

/** The text of a model step becomes its items when the step ends. */
function endsMessage({ type, turnId }: Item, of: string): boolean {
  return turnId === of && (type === 'agentMessage' || type === 'turnAborted');
}

/** A call of the model is an item when its step has ended. */
function endsPatch(item: Item, of: string): boolean {
  return item.turnId === of && 'callId' in item && item.call !== null;
}

/** The text of a model step that this event ends before its end. No item keeps it. Undefined if there is none. */
export function cutOff(live: Live, event: ThreadEvent): Running | undefined {
  const message = live.find(({ id, tail }) => id === 'message' && tail.trim() !== '');
  if (message === undefined || (event.type === 'item/completed' && event.item.type === 'agentMessage'))
    return undefined;
  return noteEvent(live, event).includes(message) ? undefined : message;
}

function toRunning(item: Item): Running | undefined {
  const rest = { id: item.id, tail: '', chars: 0, turnId: item.turnId, of: '' };
  if (item.type === 'commandExecution') return { ...rest, kind: 'command', title: item.command };
  if (item.type === 'mcpToolCall') return { ...rest, kind: 'tool', title: `${item.server} ${item.tool}` };
  return undefined;
}

function put(live: Live, running: Running): Live {
  return live.some(({ id }) => id === running.id)
    ? live.map((one) => (one.id === running.id ? running : one))
    : [...live, running];
}
