/** Turns what running steps show of their work into events, each part once. */
import type { PartialEvent, ThreadEvent } from '../../contract/index.ts';
import { pause, untilAborted } from './history-changes.ts';
import { partsAfter } from './parts-after.ts';
import type { StepProgress } from './progress.ts';
import { createSessionOutput } from './session-output.ts';

export interface PartialText {
  /** Notes that a step or a turn has ended. */
  note(event: ThreadEvent): void;
  /** Follows the running steps until the signal fires or there are none. Ignores a failed reading. */
  follow(signal: AbortSignal): AsyncGenerator<PartialEvent, void, undefined>;
}

/** What was shown of a step. */
interface Shown {
  attempt: number;
  chars: number;
  /** Characters of the reasoning. */
  reasoning: number;
  message: string;
  patch: { call: number; chars: number };
}

const NO_PATCH = { call: -1, chars: 0 };
const NOTHING = { chars: 0, reasoning: 0, patch: NO_PATCH };

/** The shortest time between two readings of a thread: the interval of heartbeats is about the same. */
const EVERY_MS = 100;
/** While nothing changes. */
const MOST_MS = 500;
/** Milliseconds that each reader adds to the interval of all readers of this process, so that the service is not flooded. */
const SHARE_MS = 5;

/** Number of readers in this process that follow running steps. */
let following = 0;

export function createPartialText(read: () => Promise<StepProgress[]>): PartialText {
  let shown = new Map<string, Shown>();
  /** Turns and items that have ended, while their steps may still be listed. */
  const ended = new Set<string>();
  const sessions = createSessionOutput();

  const toEvents = (steps: readonly StepProgress[]): PartialEvent[] => {
    const before = shown;
    shown = new Map(steps.map((step) => [step.id, toShown(step)]));
    if (steps.length === 0) ended.clear();
    return steps
      .filter((step) => !ended.has(ownerOf(step)))
      .flatMap((step) => [...since(before.get(step.id), step), ...sessions.since(step)]);
  };

  return {
    note(event) {
      if (event.type === 'turn/completed') ended.add(event.turn.turnId);
      if (event.type === 'item/completed') ended.add(event.item.id);
      sessions.note(event);
    },
    async *follow(signal) {
      following += 1;
      try {
        for (let wait = EVERY_MS; ;) {
          await pause(Math.max(wait, following * SHARE_MS), signal);
          const steps = signal.aborted
            ? null
            : await untilAborted(
                read().catch(() => undefined),
                signal,
              );
          if (steps === null) return;
          const events = steps === undefined ? [] : toEvents(steps);
          yield* events;
          if (steps?.length === 0) return;
          wait = events.length > 0 ? EVERY_MS : Math.min(MOST_MS, wait * 1.5);
        }
      } finally {
        following -= 1;
      }
    },
  };
}

function toShown(step: StepProgress): Shown {
  const chars = step.type === 'model' || step.type === 'command' ? step.chars : 0;
  const patch = (step.type === 'model' ? step.patch : undefined) ?? NO_PATCH;
  const reasoning = (step.type === 'model' ? step.reasoning?.chars : undefined) ?? 0;
  return { attempt: step.attempt, chars, reasoning, message: step.type === 'mcp' ? step.text : '', patch };
}

function since(before: Shown = { attempt: 1, message: '', ...NOTHING }, step: StepProgress): PartialEvent[] {
  const { activity, attempt, lastFailure } = step;
  if (attempt === before.attempt) return textSince(before, step);
  return [{ type: 'step/retrying', activity, attempt, lastFailure }, ...textSince({ ...before, ...NOTHING }, step)];
}

function textSince({ chars, reasoning, message, patch }: Shown, step: StepProgress): PartialEvent[] {
  switch (step.type) {
    case 'model': {
      const { turnId, step: number, attempt } = step;
      const of = { turnId, step: number, attempt };
      const thoughts = partsAfter(reasoning, step.reasoning?.text ?? '', step.reasoning?.chars ?? 0).map(
        (part): PartialEvent => ({ type: 'item/reasoning/summaryTextDelta', ...of, ...part }),
      );
      const texts = partsAfter(chars, step.text, step.chars).map((part): PartialEvent => ({
        type: 'item/agentMessage/delta',
        ...of,
        ...part,
      }));
      return [...thoughts, ...texts, ...patchSince(patch, step).map((part): PartialEvent => ({ ...part, ...of }))];
    }
    case 'command': {
      const type = 'item/commandExecution/outputDelta';
      return partsAfter(chars, step.output, step.chars).map((part) => ({ type, itemId: step.itemId, ...part }));
    }
    case 'mcp':
      if (step.text === message) return [];
      return [{ type: 'item/mcpToolCall/progress', itemId: step.itemId, message: step.text }];
    case 'sessions':
    case 'other':
      return [];
  }
}

function patchSince(shown: Shown['patch'], { patch }: Extract<StepProgress, { type: 'model' }>) {
  if (patch === undefined) return [];
  const { call, text, chars } = patch;
  const parts = partsAfter(call === shown.call ? shown.chars : 0, text, chars);
  return parts.map((part) => ({ type: 'item/fileChange/patchDelta' as const, call, ...part }));
}

/** The turn or item with whose end a step shows nothing more. */
function ownerOf(step: StepProgress): string {
  if (step.type === 'model') return step.turnId;
  return 'itemId' in step ? step.itemId : '';
}
