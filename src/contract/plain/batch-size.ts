/**
 * How large a batch may be. It carries its argument and a row for each target from run to run, in one payload, of which the
 * service takes 2 MiB.
 */
import { plural } from './plural.ts';

const MOST_BYTES = 2_064_384;
/** Of a row that says how a review ended, as it is carried over. */
export const ROW_BYTES = 240;
/** Of what else a batch carries: when its reviews began, and what those under way may use up. */
const REST_BYTES = 100_000;

interface Batch {
  targets: readonly unknown[];
}

/** Bytes that are left for words: why reviews failed, which files nobody looked at. Negative for a batch that is too large. */
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
