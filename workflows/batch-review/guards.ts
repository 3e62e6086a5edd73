import type { BatchTarget, StartBatch, TargetReview } from '../../src/contract/index.ts';
import { faultOfRepository } from '../../src/contract/plain/repository-address.ts';
import { readMessage } from '../sandbox/read-message.ts';

/**
 * The start argument of a batch as raw clients may send it. The same as `StartBatchSchema`, except for addresses that
 * are well formed but not allowed: `faultsOf` names those.
 */
export const parseStartBatch = (value: unknown) => readMessage<StartBatch>('startBatch', value, 'batch');

export const parseTargetReview = (value: unknown) => readMessage<TargetReview>('targetReview', value, 'review');

/** Why a target cannot be reviewed, by its place in the list; null if it can. */
export function faultsOf(targets: readonly BatchTarget[]): (string | null)[] {
  return targets.map(({ repository }) => faultOfRepository(repository)?.message ?? null);
}
