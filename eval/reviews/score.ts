/** Compares the findings of a review with the one fault that is known. */
import type { ReviewFinding } from '../../src/contract/index.ts';
import type { Found } from '../record.ts';
import type { Place } from './list.ts';

/** Reviewers name the line of the fault, or one that leads to it. */
const NEAR_LINES = 5;

/** Whether a finding names one of the places. */
export function isNear({ codeLocation }: ReviewFinding, places: readonly Place[]): boolean {
  if (codeLocation === null || !codeLocation.inRepository) return false;
  const { path, lineRange } = codeLocation;
  return places.some(
    ({ file, from, to }) =>
      path === file && lineRange.start <= to + NEAR_LINES && lineRange.end >= from - NEAR_LINES && isBounded(lineRange),
  );
}

/** A range that covers half of a file names no place. */
const MAX_LINES = 60;

function isBounded({ start, end }: { start: number; end: number }): boolean {
  return end - start < MAX_LINES;
}

/** @param names whether a finding at the place names the fault; by default every one does */
export async function score(
  findings: readonly ReviewFinding[],
  places: readonly Place[],
  names: (finding: ReviewFinding) => Promise<boolean> = () => Promise.resolve(true),
): Promise<Found> {
  let right = 0;
  for (const finding of findings) if (isNear(finding, places) && (await names(finding))) right += 1;
  return { hit: right > 0, findings: findings.length, right };
}
