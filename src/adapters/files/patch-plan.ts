/**
 * What a patch makes of the files it names, computed before anything is written.
 *
 * A plan reads each file once and lets the parts of a patch work on what the parts before them made of it. What differs
 * from the disk in the end has to be written; where nothing does, the patch has been applied before.
 */
import { basename, dirname } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { PatchChange } from '../../../activities/ports.ts';
import { editText, resultStands } from './edit-lines.ts';
import type { FilePatch, PatchHunk } from './patch-grammar.ts';
import { inFolder, type SafeFolder } from './safe-folder.ts';
import type { WritableArea } from './writable-area.ts';

export interface PlannedFile {
  /** Real and absolute. */
  path: string;
  /** Undefined where there is no file. */
  before: string | undefined;
  after: string | undefined;
  like: { mode: number; uid: number; gid: number } | undefined;
}

export interface PatchPlan {
  files: PlannedFile[];
  changes: PatchChange[];
}

/** Stands for content that was not read. No text has it. */
const OPAQUE = '\0';
/** A file that is larger is none that a model wrote or read. */
const LARGEST_BYTES = 10 * 1024 * 1024;

/** Throws `patchDoesNotApply` and `patchOutsideWorkspace`; writes nothing. */
export async function planPatch(patches: FilePatch[], area: WritableArea): Promise<PatchPlan> {
  const files = new Map<string, PlannedFile>();
  const open: Open = async (path, { opaque } = { opaque: false }) => {
    const known = files.get(path);
    if (known !== undefined) return known;
    const file = await readPlannedFile(path, opaque);
    files.set(path, file);
    return file;
  };
  const changes: PatchChange[] = [];
  for (const patch of patches) changes.push(await planFile(patch, area, open));
  return { files: [...files.values()], changes };
}

/** `opaque` takes a file that is no text too: one that is removed need not be understood. */
type Open = (path: string, options?: { opaque: boolean }) => Promise<PlannedFile>;

function planFile(patch: FilePatch, area: WritableArea, open: Open): Promise<PatchChange> {
  switch (patch.type) {
    case 'add':
      return planAdd(patch, area, open);
    case 'delete':
      return planDelete(patch, area, open);
    case 'update':
      return patch.movePath === undefined
        ? planUpdate(patch, area, open)
        : planMove({ ...patch, movePath: patch.movePath }, area, open);
  }
}

/** As in Codex, a file that is there already is replaced. */
async function planAdd(patch: FilePatch & { type: 'add' }, area: WritableArea, open: Open): Promise<PatchChange> {
  const path = area.resolve(patch.path);
  const file = await open(path);
  const after = patch.lines.map((line) => `${line}\n`).join('');
  const linesRemoved = file.after === undefined || file.after === after ? 0 : countLines(file.after);
  file.after = after;
  return { path: area.show(path), kind: 'add', linesAdded: patch.lines.length, linesRemoved };
}

async function planDelete(patch: FilePatch & { type: 'delete' }, area: WritableArea, open: Open): Promise<PatchChange> {
  const path = area.resolve(patch.path, { entry: true });
  const file = await open(path, { opaque: true });
  const linesRemoved = file.after === undefined || file.after === OPAQUE ? 0 : countLines(file.after);
  file.after = undefined;
  return { path: area.show(path), kind: 'delete', linesAdded: 0, linesRemoved };
}

type Update = FilePatch & { type: 'update' };

async function planUpdate(patch: Update, area: WritableArea, open: Open): Promise<PatchChange> {
  const path = area.resolve(patch.path);
  const file = await open(path);
  if (file.after === undefined) throw doesNotApply(patch.path, 'there is no such file');
  file.after = applyHunks(patch, file.after);
  return { path: area.show(path), kind: 'update', ...countHunkLines(patch.hunks) };
}

/** As in Codex, a file that is at the target already is replaced. */
async function planMove(patch: Update & { movePath: string }, area: WritableArea, open: Open): Promise<PatchChange> {
  const path = area.resolve(patch.path);
  const movePath = area.resolve(patch.movePath);
  const source = await open(path);
  const target = await open(movePath);
  if (source.after !== undefined) {
    target.after = applyHunks(patch, source.after);
    target.like = source.like;
    if (target !== source) source.after = undefined;
  } else if (target.after === undefined || !resultStands(target.after, patch.hunks)) {
    throw doesNotApply(patch.path, `there is no such file, and ${patch.movePath} is not what the patch makes of it`);
  }
  return { path: area.show(path), movePath: area.show(movePath), kind: 'move', ...countHunkLines(patch.hunks) };
}

function applyHunks(patch: Update, text: string): string {
  const edit = editText(text, patch.hunks);
  switch (edit.type) {
    case 'edited':
      return edit.text;
    case 'standing':
      return text;
    case 'misfit': {
      const wanted = edit.hunk.lines.filter((line) => line.kind !== 'added').map((line) => line.text);
      const place = `the hunk at line ${String(edit.hunk.at)} of the patch: ${edit.reason}`;
      throw doesNotApply(patch.path, wanted.length === 0 ? place : `${place}\n${wanted.join('\n')}`);
    }
  }
}

function doesNotApply(path: string, reason: string): Failure {
  return new Failure('patchDoesNotApply', `The patch does not apply to ${path}, ${reason}`, { details: { path } });
}

function countHunkLines(hunks: PatchHunk[]): { linesAdded: number; linesRemoved: number } {
  const count = (kind: string): number =>
    hunks.flatMap((hunk) => hunk.lines).filter((line) => line.kind === kind).length;
  return { linesAdded: count('added'), linesRemoved: count('removed') };
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0);
}

async function readPlannedFile(path: string, opaque: boolean): Promise<PlannedFile> {
  const absent = { path, before: undefined, after: undefined, like: undefined };
  try {
    return await inFolder(dirname(path), async (folder) => {
      const stats = await folder.lstat(basename(path));
      if (stats === undefined) return absent;
      if (stats.isSymbolicLink()) return { path, before: OPAQUE, after: OPAQUE, like: undefined };
      if (!stats.isFile()) throw doesNotApply(path, 'it is a folder or no regular file');
      const text = await readText(folder, path, opaque);
      return { path, before: text, after: text, like: { mode: stats.mode, uid: stats.uid, gid: stats.gid } };
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return absent;
    if (error instanceof Failure) throw error;
    throw new Failure('patchDoesNotApply', `The patch does not apply to ${path}, it cannot be read: ${String(error)}`, {
      cause: error,
      details: { path },
    });
  }
}

async function readText(folder: SafeFolder, path: string, opaque: boolean): Promise<string> {
  const bytes = await folder.read(basename(path), LARGEST_BYTES + 1);
  const text = bytes.length > LARGEST_BYTES ? undefined : decodeText(bytes);
  if (text !== undefined) return text;
  if (opaque) return OPAQUE;
  const reason = bytes.length > LARGEST_BYTES ? `larger than ${String(LARGEST_BYTES)} bytes` : 'no text in UTF-8';
  throw doesNotApply(path, `it is ${reason}`);
}

function decodeText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}
