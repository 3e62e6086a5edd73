/**
 * The carry-over of a large batch: rows without the names of their members, which would be most of the bytes. Small
 * batches carry their state unchanged, so that workers of earlier releases can read it.
 */
import { bytesOf } from '../../src/contract/plain/batch-size.ts';
import type { FileLeftOut, RowOutcome } from '../../src/contract/index.ts';
import { type BatchState } from './batch.ts';

export const PACKED_VERSION = 2;

type Reviewed = Extract<RowOutcome, { status: 'reviewed' }>;
type PackedRow =
  | [
      base: string,
      head: string,
      full: 0 | 1,
      ...counts: [number, number, number, number, number],
      filesLeftOut: number,
      ...spent: [number, number, number, number],
      open: number | null,
      leftOut: FileLeftOut[],
    ]
  | Exclude<RowOutcome, Reviewed>;

export type PackedBatch = Omit<BatchState, 'version' | 'outcomes'> & {
  version: typeof PACKED_VERSION;
  rows: PackedRow[];
};

/** Bytes above which a batch is packed. */
const PLAIN_BYTES = 1_048_576;

export function isLarge(state: BatchState): boolean {
  return bytesOf(state) > PLAIN_BYTES;
}

export function pack({ outcomes, version: _, ...rest }: BatchState): PackedBatch {
  return { ...rest, version: PACKED_VERSION, rows: outcomes.map(packRow) };
}

function packRow(outcome: RowOutcome): PackedRow {
  if (outcome.status !== 'reviewed') return outcome;
  const { base, head, full, counts, filesLeftOut, spent, open = null, leftOut = [] } = outcome;
  const found = [counts.new, counts.unchanged, counts.reopened, counts.fixed, counts.dismissed] as const;
  const used = [spent.tokens, spent.costMicroUsd, spent.steps, spent.wallMs] as const;
  return [base, head, full ? 1 : 0, ...found, filesLeftOut, ...used, open, leftOut];
}

export function unpack({ rows, version: _, ...rest }: PackedBatch): BatchState {
  return { ...rest, version: 1, outcomes: rows.map(unpackRow) };
}

function unpackRow(row: PackedRow): RowOutcome {
  if (!Array.isArray(row)) return row;
  const [base, head, full, found, unchanged, reopened, fixed, dismissed, filesLeftOut, ...others] = row;
  const [tokens, costMicroUsd, steps, wallMs, open, leftOut] = others;
  const counts = { new: found, unchanged, reopened, fixed, dismissed };
  const spent = { tokens, costMicroUsd, steps, wallMs };
  const more = { ...(open === null ? {} : { open }), ...(leftOut.length === 0 ? {} : { leftOut }) };
  return { status: 'reviewed', base, head, full: full === 1, counts, filesLeftOut, spent, ...more };
}
