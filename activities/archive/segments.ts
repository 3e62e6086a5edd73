/** Moves a stretch of a thread's past to the archive, and reads it back. The items travel by query, not by history. */
import type { ArchiveBody, ArchiveSegment } from '../../src/contract/index.ts';
import { readSegment as readBody } from '../model/context-cache.ts';
import type { Ports } from '../ports.ts';
import { runShortStep } from '../step.ts';

export async function archiveSegment(
  ports: Ports,
  input: { threadId: string; segment: ArchiveSegment },
): Promise<null> {
  const { segment } = input;
  return runShortStep({ ...ports, name: `Archiving segment ${segment.segmentId}` }, async (signal) => {
    await moveSegment(ports, input, signal);
    return null;
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
