/**
 * Reads one segment of a thread's archived past for a client that cannot reach the archive itself. A separate workflow,
 * so that reading adds nothing to the thread's history. Id: `archive/<segmentId>/<any unique suffix>`.
 */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { ArchiveBody } from '../../src/contract/index.ts';
import { id, parse } from '../sandbox/value-readers.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../src/contract/plain/heartbeat.ts';

const { readSegment } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { maximumAttempts: 5 },
});

/** The id of a thread, the part of its past, and the run that wrote it. */
const SEGMENT_ID_CHARS = 1_000;

/** A result can only be a segment, so an argument that cannot be used fails the workflow. */
export async function readArchive(argument: unknown): Promise<ArchiveBody> {
  const parsed = parse(() => id(argument, 'segment', SEGMENT_ID_CHARS));
  if (!parsed.ok) throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
  return readSegment(parsed.value);
}
