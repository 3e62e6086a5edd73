/** Reads the files of a workspace into a new snapshot. */
import { createHash } from 'node:crypto';
import type { SafeFolder } from '../../files/safe-folder.ts';
import type { RawPath } from '../process/git-process.ts';
import type { Entry } from './entry.ts';
import { type FileState, OpenTree, nameOf, readState } from '../process/open-tree.ts';
import type { Slices } from '../process/slices.ts';
import type { Walked } from './walked.ts';

/** A new snapshot that is being made from the previous one. */
export interface Draft extends Omit<Walked, 'files' | 'changed'> {
  entries: Map<RawPath, Entry>;
  /** Paths of the previous one that are not in it. */
  gone: RawPath[];
  /** Paths that were read. */
  taken: RawPath[];
  /** Those of them whose content or kind has changed. */
  written: RawPath[];
  startedAt: number;
}

export function remove(draft: Draft, path: RawPath): void {
  if (draft.entries.delete(path)) draft.gone.push(path);
}

/** A file that changed within this time before it was read may change again without a visible change of its times. */
const RACY_MS = 50;
/** Files up to this size are read synchronously: yielding to other work takes longer than that. */
const SMALL_BYTES = 256 * 1024;
/** Bytes that are passed to git at a time. */
const CHUNK_BYTES = 256 * 1024;

export async function* readAll(
  root: string,
  paths: readonly RawPath[],
  draft: Draft,
  slices: Slices,
): AsyncGenerator<Buffer, void> {
  if (paths.length === 0) return;
  const tree = await OpenTree.open(root);
  let chunk: Buffer[] = [];
  let bytes = 0;
  try {
    for (const path of paths) {
      if (slices.isOver()) await slices.rest();
      const folder = await tree.folderOf(path);
      for (const part of take(draft, path, folder === null ? MISSING : await read(folder, path))) {
        chunk.push(part);
        bytes += part.length;
      }
      if (bytes < CHUNK_BYTES) continue;
      yield Buffer.concat(chunk);
      [chunk, bytes] = [[], 0];
    }
    if (bytes > 0) yield Buffer.concat(chunk);
  } finally {
    await tree.close();
  }
}

const MISSING: FileState = { type: 'missing' };

async function read(folder: SafeFolder, path: RawPath): Promise<FileState> {
  const name = nameOf(path);
  const small = folder.readNow(name, SMALL_BYTES);
  return small === null ? await readState(folder, name) : { type: 'file', ...small };
}

/** Adds a result to the draft; returns what must be written of it. */
function take(draft: Draft, path: RawPath, state: FileState): Buffer[] {
  if (state.type === 'unreadable') (draft.leftOut.unreadable ??= []).push(path);
  if (state.type !== 'file' && state.type !== 'link') {
    remove(draft, path);
    return [];
  }
  const before = draft.entries.get(path);
  const entry = toEntry(state, draft.startedAt);
  draft.entries.set(path, entry);
  draft.taken.push(path);
  if (before?.id === entry.id && before.kind === entry.kind) return [];
  draft.written.push(path);
  return before?.id === entry.id ? [] : toBlob(state.content);
}

const NEWLINE = Buffer.from('\n');

/** As `git fast-import` reads a content. */
export function toBlob(content: Buffer): Buffer[] {
  return [Buffer.from(`blob\ndata ${content.length}\n`), content, NEWLINE];
}

function toEntry({ content, stats, type }: Extract<FileState, { content: Buffer }>, startedAt: number): Entry {
  const { mode, mtimeMs, ctimeMs, ino } = stats;
  const isRacy = Math.max(mtimeMs, ctimeMs) > startedAt - RACY_MS || stats.size !== content.length;
  return {
    kind: toKind(type, mode),
    id: toBlobId(content),
    mode,
    ...{ size: content.length, mtimeMs, ctimeMs },
    ino: isRacy && type === 'file' ? -1 : ino,
  };
}

export function toKind(type: 'file' | 'link', mode: number): string {
  if (type === 'link') return '120000';
  return (mode & 0o100) === 0 ? '100644' : '100755';
}

export function toBlobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}
