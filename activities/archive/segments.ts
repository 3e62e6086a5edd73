/** Moves a part of a thread's past to the archive, and reads it back. The items travel by query, not through the history. */
import { Context } from '@temporalio/activity';
import type { ArchiveBody, ArchiveSegment } from '../../src/contract/index.ts';
import { readSegment as readBody } from '../model/context-cache.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

/**
 * Idempotent in one run. A run that was reset to an earlier point archives another past under another name, because the
 * segment of the run before it exists and is never overwritten.
 */
export async function archiveSegment(
  ports: Ports,
  { threadId, segment }: { threadId: string; segment: ArchiveSegment },
): Promise<{ segmentId: string }> {
  const runId = Context.current().info.workflowExecution?.runId ?? '';
  const segmentId = `${segment.segmentId}@${runId}`;
  return runShortStep({ ...ports, name: `Archiving segment ${segmentId}` }, async (signal) => {
    await moveSegment(ports, { threadId, segment: { ...segment, segmentId } }, signal);
    return { segmentId };
  });
}

/** Idempotent. @param closedRunId the run to read from, if it has ended */
export async function moveSegment(
  ports: Ports,
  { threadId, segment }: { threadId: string; segment: ArchiveSegment },
  signal: AbortSignal,
  closedRunId?: string,
): Promise<void> {
  const { items, events } = await ports.threads.segment(threadId, segment, signal, closedRunId);
  const body: ArchiveBody = { version: 1, threadId, segment, items, events };
  await ports.archive.write(segment.segmentId, JSON.stringify(body));
}

export async function readSegment(ports: Ports, segmentId: string): Promise<ArchiveBody> {
  return runShortStep({ ...ports, name: `Reading segment ${segmentId}` }, () => readBody(ports.archive, segmentId));
}
