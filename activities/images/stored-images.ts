/**
 * Images in the archive, under the hash of their bytes, as text in base64: an operator's own archive stores text. Writing
 * one twice is writing it once, and what is read is checked against its name.
 */
import { createHash } from 'node:crypto';
import { type ImageRef, readImageText, toImageId } from '../../src/contract/plain/images/image-types.ts';
import { readImage } from '../../src/contract/plain/images/image-header.ts';
import type { ArchivePort } from '../ports.ts';

/** Stores an image, or says why these bytes are none that a model can see. */
export async function storeImage(
  archive: ArchivePort,
  bytes: Uint8Array,
  name?: string,
): Promise<ImageRef | { fault: string }> {
  const header = readImage(bytes);
  if ('fault' in header) return header;
  const sha256 = hashOf(bytes);
  await archive.write(toImageId(sha256), Buffer.from(bytes).toString('base64'));
  return { ...header, sha256, bytes: bytes.length, ...(name === undefined ? {} : { name }) };
}

/** The image as it is, whatever its reference says. Fails with `archiveMissing` if the archive does not have it. */
export async function loadImage(
  archive: ArchivePort,
  sha256: string,
): Promise<(Omit<ImageRef, 'name'> & { base64: string }) | { fault: string }> {
  const base64 = await readImageText(archive, sha256);
  const bytes = Buffer.from(base64, 'base64');
  if (hashOf(bytes) !== sha256) return { fault: 'the archive has other bytes under its name' };
  const header = readImage(bytes);
  return 'fault' in header ? header : { ...header, sha256, bytes: bytes.length, base64: bytes.toString('base64') };
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
