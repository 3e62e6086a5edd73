/** `--fail-on`: the lowest priority at which a finding makes a command exit with 7. */
import { Option } from 'commander';
import type { ReviewPriority } from '../../../contract/index.ts';

const THRESHOLDS = ['P0', 'P1', 'P2', 'P3', 'never'] as const;
export type Threshold = (typeof THRESHOLDS)[number];

export function thresholdOption(otherwise: Threshold): Option {
  return new Option('--fail-on <priority>', 'exit with 7 for open findings of this priority or a higher one')
    .choices([...THRESHOLDS])
    .default(otherwise);
}

/** A finding without a priority counts as P3. */
export function countsAt(threshold: Threshold, { priority }: { priority: ReviewPriority | null }): boolean {
  return threshold !== 'never' && (priority ?? 3) <= THRESHOLDS.indexOf(threshold);
}
