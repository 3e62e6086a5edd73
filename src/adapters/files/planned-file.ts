/** One file that a patch names: its current content, and its planned content. */
import type { Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import { type SafeFolder, inFolder } from './safe-folder.ts';

export type FileContent =
  | { type: 'text'; text: string }
  | { type: 'link'; target: string }
  /** Content that no hunk can change, and why. */
  | { type: 'opaque'; reason: string };

export interface PlannedFile {
  /** Absolute, and without links when it was read. */
  path: string;
  /** Undefined if there is no file. */
  before: FileContent | undefined;
  after: FileContent | undefined;
  like: { mode: number; uid: number; gid: number } | undefined;
  /** A retry adds it although it exists: correct only if it is the patch's final result. */
  addedAgain?: true;
  /** How many parts of the patch name it. */
  parts: number;
  /** Changes when somebody else writes the file; undefined if there is none. */
  version: string | undefined;
}

/** No model writes or reads a larger file. */
const LARGEST_BYTES = 10 * 1024 * 1024;

export function sameContent(one: FileContent | undefined, other: FileContent | undefined): boolean {
  if (one === other) return true;
  if (one?.type === 'text') return other?.type === 'text' && one.text === other.text;
  return one?.type === 'link' && other?.type === 'link' && one.target === other.target;
}

export function doesNotApply(path: string, reason: string): Failure {
  return new Failure('patchDoesNotApply', `The patch does not apply to ${path}, ${reason}`, { details: { path } });
}

export async function readPlannedFile(path: string): Promise<PlannedFile> {
  const absent = { path, before: undefined, after: undefined, like: undefined, version: undefined, parts: 0 };
  try {
    return await inFolder(dirname(path), async (folder) => {
      const stats = await folder.lstat(basename(path));
      if (stats === undefined) return absent;
      const content = await readContent(folder, path, stats);
      const { mode, uid, gid } = stats;
      return { path, before: content, after: content, like: { mode, uid, gid }, version: toVersion(stats), parts: 0 };
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return absent;
    if (error instanceof Failure) throw error;
    if (code === 'ENOTDIR') throw doesNotApply(path, 'a part of its path is not a folder');
    throw new Failure('patchDoesNotApply', `The patch does not apply to ${path}, it cannot be read: ${String(error)}`, {
      cause: error,
      details: { path },
    });
  }
}

/** Undefined if there is no file. */
export function toVersion(stats: Stats | undefined): string | undefined {
  return stats && [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ');
}

async function readContent(folder: SafeFolder, path: string, stats: Stats): Promise<FileContent> {
  const name = basename(path);
  if (stats.isSymbolicLink()) return { type: 'link', target: (await folder.readlink(name)).toString() };
  if (!stats.isFile()) throw doesNotApply(path, 'it is a folder or no regular file');
  const bytes = stats.size > LARGEST_BYTES ? undefined : await folder.read(name, LARGEST_BYTES + 1);
  if (bytes === undefined || bytes.length > LARGEST_BYTES) {
    return { type: 'opaque', reason: `it is larger than ${String(LARGEST_BYTES)} bytes` };
  }
  const text = decodeText(bytes);
  if (text !== undefined && !text.includes('\0')) return { type: 'text', text };
  const line = lineOfFault(bytes);
  const fault = text === undefined ? `line ${line} has other bytes` : `line ${line} has a byte 0, as binary files have`;
  return { type: 'opaque', reason: `it is no text in UTF-8: ${fault}. Change it by a command` };
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const NEWLINE = 10;

/** Number of the first line that is no text. No byte of a longer character is a line end. */
function lineOfFault(bytes: Uint8Array): number {
  for (let line = 1, start = 0; ; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const text = decodeText(bytes.subarray(start, newline < 0 ? undefined : newline));
    if (text === undefined || text.includes('\0') || newline < 0) return line;
    start = newline + 1;
  }
}
