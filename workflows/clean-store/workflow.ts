/**
 * Cleans the store that hosts share, on any worker. Started by a schedule; a run that is lost or ends early costs nothing,
 * since the next one looks at everything again. Id: `clean-store/<task queue>`.
 */
import { ApplicationFailure, CancelledFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { CleanStore, CleanedStore } from '../../src/contract/index.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../src/contract/plain/heartbeat.ts';
import { readMessage } from '../sandbox/read-message.ts';

const activities = proxyActivities<Pick<Activities, 'cleanStore'>>({
  startToCloseTimeout: '6h',
  scheduleToStartTimeout: '1 day',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumInterval: '1m', maximumAttempts: 20 },
});

/** An argument that cannot be used fails the workflow, as its result can only be counts. */
export async function cleanStore(argument: unknown): Promise<CleanedStore> {
  const parsed = readMessage<CleanStore>('cleanStore', argument, 'cleaning');
  if (!parsed.ok) throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
  const cleaned = await activities.cleanStore(parsed.value);
  if ('type' in cleaned) throw new CancelledFailure('The cleaning of the store was cancelled');
  return cleaned;
}
