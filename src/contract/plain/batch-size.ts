/**
 * Limits on the size of a batch. One payload carries its argument and a row for each target from run to run; the
 * service accepts 2 MiB.
 */
import { plural } from './plural.ts';

const MOST_BYTES = 2_064_384;
/** Bytes of a carried row with the outcome of a review. */
export const ROW_BYTES = 240;
/** Bytes for the rest of a batch: the start times of its reviews, and the limits of those under way. */
const REST_BYTES = 100_000;

interface Batch {
  targets: readonly unknown[];
}

/**
 * Bytes that are left for texts: why reviews failed, which files were not examined. Negative for a batch that is too
 * large.
 */
export function roomForWords(batch: Batch): number {
  return MOST_BYTES - bytesOf(batch) - batch.targets.length * ROW_BYTES - REST_BYTES;
}

export function isTooLarge(batch: Batch): boolean {
  return roomForWords(batch) < 0;
}

/** Bytes of JSON in UTF-8. */
export function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

export function describeTooLarge(batch: Batch): string {
  return (
    `targets and instructions of ${bytesOf(batch)} bytes are too large for a batch of ${plural(batch.targets.length, 'target')}, ` +
    `which may have ${bytesOf(batch) + roomForWords(batch)}; make several batches of them`
  );
}
