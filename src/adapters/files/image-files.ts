/**
 * Reads image files for models. What is read goes to an endpoint, so only what the commands of the thread could read is
 * read here: not the places that are closed to them, nor what their sandbox covers. Links are followed first, and the
 * file at their end is opened without following any.
 */
import { realpath } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { ImageFilesPort, ImagePlace } from '../../../activities/ports.ts';
import { toTooLarge } from '../../contract/plain/images/image-header.ts';
import { LIMITS } from '../../contract/plain/limits.ts';
import { isInsideReal } from '../../folders/folders.ts';
import { followLinks, realPlace } from '../../folders/real-path.ts';
import { scratchOf, toOutsidePath } from '../shell/sandbox/scratch.ts';
import { createClosedPaths } from './closed-paths.ts';
import { inFolder } from './safe-folder.ts';

export interface ImageFilesOptions {
  /** Absolute path of the data folder. */
  stateDirectory: string;
  /** Absolute; nothing in them is read, unless the workspace is inside. */
  closed: readonly string[];
  /** Absolute; folders inside those that commands can read. */
  shown?: readonly string[];
}

/** What a sandbox shows otherwise than it is outside: its own temporary folders, its own processes and devices. */
const COVERED = ['/tmp', '/var/tmp', '/dev', '/run', '/proc', '/sys'];

export function createImageFiles({ stateDirectory, closed, shown = [] }: ImageFilesOptions): ImageFilesPort {
  return {
    async read(path, place, signal) {
      try {
        const real = await findReal(path, place, { stateDirectory, shown: shown.map(realPlace) });
        const fault = real.isOpen(closed) ? null : 'it is in a place that is closed to commands';
        signal.throwIfAborted();
        return fault === null ? await readFile(real.path) : { fault };
      } catch (error) {
        signal.throwIfAborted();
        return { fault: toFault(error) };
      }
    },
  };
}

interface RealFile {
  path: string;
  isOpen(closed: readonly string[]): boolean;
}

async function findReal(
  path: string,
  place: ImagePlace,
  { stateDirectory, shown }: { stateDirectory: string; shown: readonly string[] },
): Promise<RealFile> {
  const { cwd, root = followLinks(cwd), sandbox } = place;
  const named = resolve(cwd, path);
  const scratch = sandbox === 'danger-full-access' ? null : scratchOf(stateDirectory, place.threadId, cwd);
  const real = await realpath(scratch === null ? named : toOutsidePath(named, [cwd, root, ...shown], scratch));
  return {
    path: real,
    isOpen(closed) {
      if (shown.some((folder) => isInsideReal(real, folder))) return true;
      if (scratch !== null && [scratch.tmp, scratch.varTmp, scratch.shm].some((folder) => isInsideReal(real, folder)))
        return true;
      const covered = scratch === null ? [] : COVERED;
      return !createClosedPaths([...closed, ...covered], root).has(real);
    },
  };
}

async function readFile(path: string): Promise<{ bytes: Uint8Array } | { fault: string }> {
  return inFolder(dirname(path), async (folder) => {
    const { file, stats } = await folder.openFile(basename(path));
    await file.close();
    if (stats.size > LIMITS.imageBytes) return { fault: toTooLarge(stats.size) };
    return { bytes: await folder.read(basename(path), LIMITS.imageBytes + 1) };
  });
}

function toFault(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code ?? '') {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'there is no such file';
    case 'ELOOP':
      return 'it is a link that leads nowhere, or another file took its place';
    case 'EFTYPE':
    case 'EISDIR':
      return 'it is not a regular file';
    case 'EACCES':
    case 'EPERM':
      return 'the worker may not read it';
    default:
      return `it cannot be read (${code ?? message})`;
  }
}
