/** Reads image files of a workspace, and stores them. Idempotent, except that a file may have changed. */
import { basename } from 'node:path';
import type { LocalImage, ThreadSettings } from '../../src/contract/index.ts';
import { LIMITS } from '../../src/contract/plain/limits.ts';
import type { ImagePlace, Ports } from '../ports.ts';
import { storeImage } from './stored-images.ts';

type ImagePorts = Pick<Ports, 'imageFiles' | 'archive'>;

export async function readImageFile(
  ports: ImagePorts,
  path: string,
  place: ImagePlace,
  signal: AbortSignal,
): Promise<LocalImage> {
  const read = await ports.imageFiles.read(path, place, signal);
  if ('fault' in read) return { path, fault: read.fault };
  return { path, ...(await storeImage(ports.archive, read.bytes, nameOf(path))) };
}

/** One after the other: each may have ten megabytes. */
export async function readImageFiles(
  ports: ImagePorts,
  paths: readonly string[],
  threadId: string,
  { cwd, root, sandbox }: ThreadSettings,
  signal: AbortSignal,
): Promise<LocalImage[]> {
  const place = { threadId, cwd, sandbox, ...(root === undefined ? {} : { root }) };
  const images: LocalImage[] = [];
  for (const path of paths) {
    images.push(
      images.length < LIMITS.requestImages
        ? await readImageFile(ports, path, place, signal)
        : { path, fault: `more than ${LIMITS.requestImages} image files were named at once` },
    );
  }
  return images;
}

export function nameOf(path: string): string {
  return basename(path).slice(0, LIMITS.idChars).toWellFormed();
}
