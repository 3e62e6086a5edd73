/** What must hold after every kill, as a list of sentences about what does not. An empty list is the only good one. */
import { isDeepStrictEqual } from 'node:util';
import type { Item, ThreadEvent, ThreadView, TurnCompletion } from '../../src/contract/index.ts';
import type { MarkedProcess } from './marked-processes.ts';

export interface Evidence {
  /** The events as a reader saw them live. */
  seen: readonly ThreadEvent[];
  /** The same, read anew at the end. */
  recorded: readonly ThreadEvent[];
  items: readonly Item[];
  /** Turns whose submission was acknowledged. */
  turnIds: readonly string[];
  /** Command lines of the long turn; the Nth writes `step-N`. */
  commands: readonly string[];
  /** Lines of the file that the commands wrote to. */
  lines: readonly string[];
  /** Processes of this thread's commands that are still there. */
  left: readonly MarkedProcess[];
  /** Outputs of calls, as the last model request told them. */
  told: readonly unknown[];
  agentTask: { before: ThreadView['agentTask']; after: ThreadView['agentTask'] };
}

type CommandItem = Extract<Item, { type: 'commandExecution' }>;

export function findViolations(evidence: Evidence): string[] {
  return [
    ...gaps(evidence.recorded),
    ...difference(evidence.seen, evidence.recorded),
    ...evidence.turnIds.flatMap((turnId) => turnViolations(evidence.recorded, turnId)),
    ...itemViolations(evidence.recorded, evidence.items),
    ...lineViolations(evidence),
    ...toldViolations(evidence),
    ...evidence.left.map(({ pid, commandId }) => `process ${pid} of command ${commandId} is left`),
    ...taskViolations(evidence.agentTask),
  ];
}

export function gaps(events: readonly ThreadEvent[]): string[] {
  return events.flatMap(({ seq, type }, index) => {
    return seq === index + 1 ? [] : [`event ${index + 1} in order has seq ${seq} (${type})`];
  });
}

function difference(seen: readonly ThreadEvent[], recorded: readonly ThreadEvent[]): string[] {
  const at = recorded.findIndex((event, index) => !isDeepStrictEqual(event, seen[index]));
  const described = (event: ThreadEvent | undefined) => JSON.stringify(event ?? null).slice(0, 300);
  if (at !== -1) return [`seen live as ${described(seen[at])}, recorded as ${described(recorded[at])}`];
  return seen.length === recorded.length ? [] : [`${seen.length} events were seen, ${recorded.length} are recorded`];
}

export function turnViolations(events: readonly ThreadEvent[], turnId: string): string[] {
  const ends = events.filter((event) => event.type === 'turn/completed' && event.turn.turnId === turnId);
  const [end] = ends;
  if (ends.length !== 1 || end?.type !== 'turn/completed') return [`turn ${turnId} has ${ends.length} terminal events`];
  const wrong: string[] = [];
  if (!isGoodEnd(end.turn)) wrong.push(`turn ${turnId} ended ${JSON.stringify(end.turn)}`);
  const starts = events.filter((event) => event.type === 'turn/started' && event.turnId === turnId);
  if (starts.length !== 1) wrong.push(`turn ${turnId} was started ${starts.length} times`);
  const late = events.filter((event) => 'turnId' in event && event.turnId === turnId && event.seq > end.seq);
  return [...wrong, ...late.map(({ seq, type }) => `event ${seq} (${type}) comes after the end of turn ${turnId}`)];
}

/** A command of the person has nobody to be told of its loss but the person. */
function isGoodEnd(turn: TurnCompletion): boolean {
  if (turn.kind === 'user_shell' && turn.status === 'failed') return turn.error.code === 'commandLost';
  return turn.status === 'completed';
}

export function itemViolations(events: readonly ThreadEvent[], items: readonly Item[]): string[] {
  const wrong = items.flatMap(({ id }, index) => (id === `item_${index}` ? [] : [`item ${index} in order is ${id}`]));
  for (const item of items) {
    const count = (type: ThreadEvent['type']) =>
      events.filter((event) => event.type === type && 'item' in event && event.item.id === item.id).length;
    const [started, completed] = [count('item/started'), count('item/completed')];
    if (started !== 1 || completed !== 1) wrong.push(`${item.id} began ${started} times and ended ${completed} times`);
  }
  return wrong;
}

function lineViolations({ commands, lines, items }: Evidence): string[] {
  const ofCommands = items.filter((item): item is CommandItem => item.type === 'commandExecution');
  const wrong = commands.flatMap((command, index) => {
    const line = `step-${index + 1}`;
    const written = lines.filter((each) => each === line).length;
    const asked = ofCommands.filter((item) => item.command === command);
    const [item] = asked;
    if (asked.length !== 1 || item === undefined) return [`the command of ${line} has ${asked.length} items`];
    if (written > 1) return [`${line} was written ${written} times`];
    // Its supervisor was not killed, so only one that never reached it can be lost.
    if (item.status === 'lost') return written === 0 ? [] : [`${line} was written by a command that ended lost`];
    if (item.status !== 'completed') return [`the command of ${line} ended ${item.status}: ${item.output}`];
    return written === 1 ? [] : [`${line} is missing, and its command ended completed`];
  });
  const strange = lines.filter((line) => !/^(step|short)-\d+$/.test(line));
  return [...wrong, ...strange.map((line) => `the file holds the line ${JSON.stringify(line)}`)];
}

/** The model knows what the history knows, whatever the workers kept of it or lost. */
function toldViolations({ items, told }: Evidence): string[] {
  const kept = items.flatMap((item) => ('call' in item && item.call !== null ? [item.output] : []));
  const at = kept.findIndex((output, index) => output !== told[index]);
  if (at !== -1) return [`the model was told ${JSON.stringify(told[at])} instead of ${JSON.stringify(kept[at])}`];
  return kept.length === told.length ? [] : [`the model was told ${told.length} outputs of ${kept.length}`];
}

function taskViolations({ before, after }: Evidence['agentTask']): string[] {
  if (before.status !== 'registered') return [`there was no agent task before the kill: ${JSON.stringify(before)}`];
  return isDeepStrictEqual(before, after)
    ? []
    : [`the agent task was ${JSON.stringify(before)} and is ${JSON.stringify(after)}`];
}
