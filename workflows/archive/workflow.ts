/**
 * Reads one segment of a thread's archived past for a client that cannot reach the archive itself. A separate workflow,
 * so that reading adds nothing to the thread's history. Id: `archive/<segmentId>/<any unique suffix>`.
 */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { ArchiveBody } from '../../src/contract/index.ts';

const { readSegment } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: '5s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 5 },
});

export async function readArchive(segmentId: unknown): Promise<ArchiveBody> {
  if (typeof segmentId !== 'string') throw ApplicationFailure.nonRetryable('A segment id is needed', 'malformed');
  return readSegment(segmentId);
}
