/** The output of commands that were left running, each part once, whichever step waits for them. */
import type { PartialEvent, ThreadEvent } from '../../contract/index.ts';
import { partsAfter } from './parts-after.ts';
import type { StepProgress } from './progress.ts';

export interface SessionOutput {
  /** Notes that a session has ended. */
  note(event: ThreadEvent): void;
  since(step: StepProgress): PartialEvent[];
}

export function createSessionOutput(): SessionOutput {
  /** Characters of each session that were shown. */
  const shown = new Map<number, number>();
  return {
    note(event) {
      if (event.type !== 'item/completed' || event.item.type !== 'commandSession') return;
      // Another step may wait for it, or the same one still be listed.
      if (event.item.continuesAs === undefined) shown.set(event.item.sessionId, Infinity);
    },
    since(step) {
      if (step.type !== 'sessions') return [];
      return step.sessions.flatMap(({ sessionId, output, chars }) => {
        const before = shown.get(sessionId) ?? 0;
        shown.set(sessionId, Math.max(before, chars));
        const type = 'item/commandSession/outputDelta';
        return partsAfter(before, output, chars).map((part): PartialEvent => ({ type, sessionId, ...part }));
      });
    },
  };
}
