/** What running steps show: reasoning, text and patches of the model and the output of commands, as far as they have come. Pure. */
import type { Item, PartialEvent, ThreadEvent } from '../contract/index.ts';

/** A step at work. */
export interface Running {
  /** The item, or `reasoning`, `message` or `patch` for what the model is writing. */
  id: string;
  /** What it is, as foreign text; empty for what the model is writing. */
  title: string;
  kind: 'reasoning' | 'message' | 'patch' | 'command' | 'tool';
  /** The end of its text. */
  tail: string;
  /** Characters of its whole text. */
  chars: number;
  turnId: string;
  /** Of what the model is writing: the step and attempt that it belongs to. */
  of: string;
}

export type Live = readonly Running[];

/** More than any screen shows. */
const TAIL_CHARS = 20_000;

export function showPartial(live: Live, event: PartialEvent): Live {
  switch (event.type) {
    case 'item/agentMessage/delta':
      return put(live, grow(begun(live, 'message', event.turnId, `${event.step} ${event.attempt}`), event));
    case 'item/reasoning/summaryTextDelta':
      return put(live, grow(begun(live, 'reasoning', event.turnId, `${event.step} ${event.attempt}`), event));
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
    case 'item/commandSession/outputDelta':
      return live;
    case 'step/retrying':
      return live.filter(({ kind }) => kind !== 'patch' && kind !== 'reasoning');
  }
}

/** What is known of it, if it is the same one. */
function begun(live: Live, kind: 'reasoning' | 'message' | 'patch', turnId: string, place: string): Running {
  const known = live.find(({ id }) => id === kind);
  const of = `${turnId} ${place}`;
  return known?.of === of ? known : { id: kind, title: '', kind, tail: '', chars: 0, turnId, of };
}

/** Adds the part of a text to the end of it that is here. */
export function grow<T extends { tail: string; chars: number }>(
  running: T,
  { offset, delta }: { offset: number; delta: string },
): T {
  const chars = offset + delta.length;
  if (chars <= running.chars) return running;
  const isGap = offset > running.chars;
  const added = isGap ? `… ${delta}` : delta.slice(running.chars - offset);
  return { ...running, chars, tail: (running.tail + added).slice(-TAIL_CHARS) };
}

/** A finished item, turn or step shows nothing more. */
export function noteEvent(live: Live, event: ThreadEvent): Live {
  if (event.type === 'item/started') {
    const isWritten = ({ id, turnId }: Running) =>
      (id === 'patch' || id === 'reasoning') && endsPatch(event.item, turnId);
    const left = live.filter((running) => !isWritten(running));
    const started = toRunning(event.item);
    return started === undefined ? left : put(left, started);
  }
  if (event.type === 'item/completed') {
    const { item } = event;
    const ends = ({ id, turnId }: Running) =>
      id === item.id ||
      (id === 'reasoning' && endsReasoning(item, turnId)) ||
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

/** The first item of an answer ends it, with or without a summary of its own. */
function endsReasoning(item: Item, of: string): boolean {
  return (item.turnId === of && item.type === 'reasoning') || endsMessage(item, of) || endsPatch(item, of);
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
  if (item.type === 'dynamicToolCall' && item.status === 'inProgress')
    return { ...rest, kind: 'command', title: item.call?.name ?? '' };
  if (item.type === 'mcpToolCall') return { ...rest, kind: 'tool', title: `${item.server} ${item.tool}` };
  return undefined;
}

function put(live: Live, running: Running): Live {
  return live.some(({ id }) => id === running.id)
    ? live.map((one) => (one.id === running.id ? running : one))
    : [...live, running];
}
