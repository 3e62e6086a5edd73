/** Cleans the store that hosts share. Idempotent: what is gone is not counted again. */
import { Context } from '@temporalio/activity';
import type { CleanStore, CleanedStore } from '../../src/contract/index.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { NOTHING_CLEANED, addCleaned } from './cleaned-sum.ts';

const DAY_MS = 86_400_000;
/** Objects that one run removes, at least if the last thread has more: runs of a schedule must come to an end. */
const MOST_REMOVED = 50_000;

/** Its heartbeats have the counts, with which the next attempt continues. */
export async function cleanStore(
  ports: Pick<Ports, 'cleaner' | 'steps' | 'heartbeatEveryMs'>,
  { closedForDays, archive = false, images = false, unknown = false }: CleanStore,
): Promise<CleanedStore | { type: 'aborted' }> {
  const { info } = Context.current();
  const place = { ...ports, threadId: 'store', actionId: info.workflowExecution?.runId ?? '' };
  const before = { ...NOTHING_CLEANED, ...(info.heartbeatDetails as Partial<CleanedStore> | undefined), kept: {} };
  return runStep<Required<CleanedStore>, CleanedStore>(place, before, async (step) => {
    const cleaning = { keepMs: closedForDays * DAY_MS, archive, images, unknown, preview: false };
    const seen = new Set<string>();
    for await (const one of ports.cleaner.clean(cleaning, step.signal)) {
      step.progress = addCleaned(step.progress, one, seen);
      const { packs, segments, images: alone } = step.progress;
      if (packs + segments + alone >= MOST_REMOVED) return toResult(step.progress, true);
    }
    step.signal.throwIfAborted();
    return toResult(step.progress, false);
  });
}

/** Without what heartbeats add. */
function toResult(
  { threads, packs, segments, images, bytes, kept }: Required<CleanedStore>,
  more: boolean,
): CleanedStore {
  return { threads, packs, segments, images, bytes, kept, more };
}
