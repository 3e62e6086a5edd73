/** `--fail-on`: from which priority on a finding makes a command end with 7. */
import { Option } from 'commander';
import type { ReviewPriority } from '../../../contract/index.ts';

const THRESHOLDS = ['P0', 'P1', 'P2', 'P3', 'never'] as const;
export type Threshold = (typeof THRESHOLDS)[number];

export function thresholdOption(otherwise: Threshold): Option {
  return new Option('--fail-on <priority>', 'the least urgent finding that counts')
    .choices([...THRESHOLDS])
    .default(otherwise);
}

/** A finding without a priority is one of the least urgent. */
export function countsAt(threshold: Threshold, { priority }: { priority: ReviewPriority | null }): boolean {
  return threshold !== 'never' && (priority ?? 3) <= THRESHOLDS.indexOf(threshold);
}
