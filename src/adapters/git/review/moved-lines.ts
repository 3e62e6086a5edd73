/** The places of one commit's lines in another one, according to the hunks between them. Pure. */
import type { Hunk } from './diff-hunks.ts';

export interface LineRange {
  /** Inclusive, counted from 1. */
  startLine: number;
  endLine: number;
}

export interface MovedLines {
  /** From the first to the last one that still exists; null if none does. */
  lines: LineRange | null;
  /** The lines that replace removed ones; null if there are none. */
  near: LineRange | null;
  /** Whether one of them was changed or removed, or others were inserted between them. */
  changed: boolean;
}

/** @param hunks of their file, in the order of its lines. */
export function moveLines({ startLine, endLine }: LineRange, hunks: readonly Hunk[]): MovedLines {
  const cut = hunks.filter(({ old }) => old.count > 0 && old.start <= endLine && startLine <= lastOf(old));
  let first = startLine;
  for (const { old } of cut) if (old.start <= first) first = lastOf(old) + 1;
  let last = endLine;
  for (const { old } of cut.toReversed()) if (lastOf(old) >= last) last = old.start - 1;
  if (first > last) return { lines: null, near: toNear(cut), changed: true };
  const parted = hunks.some(({ old }) => old.count === 0 && old.start >= startLine && old.start < endLine);
  const lines = { startLine: first + shiftOf(first, hunks), endLine: last + shiftOf(last, hunks) };
  return { lines, near: null, changed: parted || cut.length > 0 };
}

function toNear(cut: readonly Hunk[]): LineRange | null {
  const filled = cut.flatMap((hunk) => (hunk.new.count === 0 ? [] : [hunk.new]));
  const [first] = filled;
  const last = filled.at(-1);
  if (first === undefined || last === undefined) return null;
  return { startLine: first.start, endLine: lastOf(last) };
}

/** How far the hunks above a line have moved it. A hunk that only inserts does so after line `start`. */
function shiftOf(line: number, hunks: readonly Hunk[]): number {
  const above = hunks.filter(({ old }) => (old.count === 0 ? old.start : lastOf(old)) < line);
  return above.reduce((sum, hunk) => sum + hunk.new.count - hunk.old.count, 0);
}

function lastOf({ start, count }: Hunk['old']): number {
  return start + count - 1;
}
