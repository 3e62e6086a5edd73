/** Moves a stretch of a thread's past to the archive, and reads it back. The items travel by query, not by history. */
import type { ArchiveBody, ArchiveSegment } from '../../src/contract/index.ts';
import { readSegment as readBody } from '../model/context-cache.ts';
import type { Ports } from '../ports.ts';
import { toTemporal } from '../to-temporal.ts';

export async function archiveSegment(
  ports: Ports,
  input: { threadId: string; segment: ArchiveSegment },
): Promise<null> {
  try {
    const { threadId, segment } = input;
    const { items, events } = await ports.threads.segment(threadId, segment);
    const body: ArchiveBody = { version: 1, threadId, segment, items, events };
    await ports.archive.write(segment.segmentId, JSON.stringify(body));
    return null;
  } catch (error) {
    throw toTemporal(error);
  }
}

export async function readSegment(ports: Ports, segmentId: string): Promise<ArchiveBody> {
  try {
    return await readBody(ports.archive, segmentId);
  } catch (error) {
    throw toTemporal(error);
  }
}
