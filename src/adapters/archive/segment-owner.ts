/** Whose a segment is, by the name of its file. Pure. */

export interface SegmentOwner {
  threadId: string;
  /** When the thread was created, in milliseconds since the epoch; for the past that a fork took over, the fork's first run. */
  origin: { type: 'created'; at: number } | { type: 'fork'; runId: string };
}

const RUN_ID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const OF_THREAD = new RegExp(`^(.+)/(\\d{1,15})/\\d+-\\d+\\.\\d+-\\d+(?:@${RUN_ID})?$`, 's');
const OF_FORK = new RegExp(`^(.+)/fork-(${RUN_ID})-\\d+/\\d+-\\d+$`, 's');
const OF_IMAGE = /^(?:image|set-aside)\/([0-9a-f]{64})$/;

/** `unclear` for a name that does not say whose it is: a hashed one, or one of another form. */
export function ownerOfSegment(fileName: string): SegmentOwner | 'image' | 'unclear' {
  const segmentId = readFileName(fileName);
  if (segmentId === null) return 'unclear';
  if (OF_IMAGE.test(segmentId)) return 'image';
  const [, threadId, at] = OF_THREAD.exec(segmentId) ?? [];
  if (threadId !== undefined) return { threadId, origin: { type: 'created', at: Number(at) } };
  const [, forkId, runId = ''] = OF_FORK.exec(segmentId) ?? [];
  return forkId === undefined ? 'unclear' : { threadId: forkId, origin: { type: 'fork', runId } };
}

/** The hash of the image that has this name; null for another name. */
export function imageOfSegment(fileName: string): string | null {
  return OF_IMAGE.exec(readFileName(fileName) ?? '')?.[1] ?? null;
}

/** The inverse of `toSegmentFileName`; null for another name. */
function readFileName(fileName: string): string | null {
  const [, name] = /^s-([a-z0-9_,=-]+)\.segment$/.exec(fileName) ?? [];
  if (name === undefined) return null;
  return name
    .replaceAll(',', '/')
    .replace(/=([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
