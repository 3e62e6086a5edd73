/** What running steps show: the text of the model and the output of commands, as far as it has come. Pure. */
import type { Item, PartialEvent, ThreadEvent } from '../contract/index.ts';

/** A step at work. */
export interface Running {
  /** The item, or `message` for the text of the model. */
  id: string;
  /** What it is, as foreign text; empty for a message. */
  title: string;
  kind: 'message' | 'command' | 'tool';
  /** The end of its text. */
  tail: string;
  /** Characters of its whole text. */
  chars: number;
  turnId: string;
  /** Of a message: the step and attempt that it belongs to. */
  of: string;
}

export type Live = readonly Running[];

/** More than any screen shows. */
const TAIL_CHARS = 20_000;

export function showPartial(live: Live, event: PartialEvent): Live {
  switch (event.type) {
    case 'item/agentMessage/delta': {
      const { turnId } = event;
      const of = `${turnId} ${event.step} ${event.attempt}`;
      const known = live.find(({ id }) => id === 'message');
      const begun: Running =
        known?.of === of ? known : { id: 'message', title: '', kind: 'message', tail: '', chars: 0, turnId, of };
      return put(live, grow(begun, event));
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
      return live;
  }
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
    const started = toRunning(event.item);
    return started === undefined ? live : put(live, started);
  }
  if (event.type === 'item/completed') {
    const { item } = event;
    return live.filter(({ id, turnId }) => id !== item.id && !(id === 'message' && endsMessage(item, turnId)));
  }
  if (event.type === 'turn/completed') return live.filter(({ turnId }) => turnId !== event.turn.turnId);
  return live;
}

/** The text of a model step becomes its items when the step ends. */
function endsMessage({ type, turnId }: Item, of: string): boolean {
  return turnId === of && (type === 'agentMessage' || type === 'turnAborted');
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
