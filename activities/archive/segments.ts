/** Moves a stretch of a thread's past to the archive, and reads it back. The items travel by query, not by history. */
import { Context } from '@temporalio/activity';
import type { ArchiveBody, ArchiveSegment } from '../../src/contract/index.ts';
import { readSegment as readBody } from '../model/context-cache.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

/**
 * Twice is once in one run. A run that an operator has reset to an earlier point comes this way again with another past: what it
 * writes has a name of its own, since the segment of the run before it is there and is never written again.
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

/** Twice is once. @param closedRunId the run to read from, where it is one that has ended. */
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
