/** The file format of archive segments: a header line, then the body, which may be compressed. Pure except for zlib. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';

/** Longer names are hashed: file systems stop at 255 bytes. */
const LONGEST_NAME = 180;
const HEADER = /^bobbin-segment 1 (plain|gzip) (\d+) ([0-9a-f]{64})$/;

/**
 * A safe file name for a segment id. Two ids never share a name, even on a file system that ignores case: everything except
 * lowercase letters, digits, `-` and `_` becomes `=` and four hex digits, and `/` becomes `,`.
 */
export function toSegmentFileName(segmentId: string): string {
  const name = segmentId.replace(/[^a-z0-9_\-/]/g, toEscape).replaceAll('/', ',');
  if (name.length <= LONGEST_NAME) return `s-${name}.segment`;
  return `h-${createHash('sha256').update(name).digest('hex')}.segment`;
}

function toEscape(unit: string): string {
  return `=${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** @param packed whether the body is compressed with gzip */
export async function encodeSegment(body: string, packed: boolean): Promise<Buffer> {
  const payload = packed ? await promisify(gzip)(body) : Buffer.from(body);
  const form = packed ? 'gzip' : 'plain';
  return Buffer.concat([
    Buffer.from(`bobbin-segment 1 ${form} ${String(payload.length)} ${checksum(payload)}\n`),
    payload,
  ]);
}

/** Undefined if the bytes are not a complete segment. */
export async function decodeSegment(bytes: Buffer): Promise<string | undefined> {
  const newline = bytes.indexOf('\n');
  const header = HEADER.exec(bytes.toString('latin1', 0, Math.max(0, newline)));
  if (header === null) return undefined;
  const [, form, length, sum] = header;
  const payload = bytes.subarray(newline + 1);
  if (payload.length !== Number(length) || checksum(payload) !== sum) return undefined;
  return (form === 'gzip' ? await promisify(gunzip)(payload) : payload).toString('utf8');
}

function checksum(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}
