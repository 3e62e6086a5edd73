/**
 * The effect of a patch on its files, computed before anything is written.
 *
 * A plan reads each file once and applies each part of a patch to the result of the parts before. In the end,
 * everything that differs from the disk is written.
 *
 * A first attempt is strict: what a patch adds must not exist, what it removes or moves must exist. A retry may meet
 * the files that a lost attempt has written, so there a file that already has the result counts as written. If its text
 * does not decide, the retry is refused: nothing is applied twice.
 */
import { dirname, isAbsolute, join, relative } from 'node:path';
import type { Failure } from '../../../activities/failures.ts';
import type { PatchChange } from '../../../activities/ports.ts';
import { plural } from '../../contract/plain/plural.ts';
import { editText, resultStands } from './edit-lines.ts';
import { describeMisfit } from './misfit-words.ts';
import { noSuchFile } from './missing-file.ts';
import type { FilePatch, PatchHunk } from './patch-grammar.ts';
import { type FileContent, type PlannedFile, doesNotApply, readPlannedFile, sameContent } from './planned-file.ts';
import type { WritableArea } from './writable-area.ts';

export interface PatchPlan {
  files: PlannedFile[];
  changes: PatchChange[];
}

interface Planning {
  area: WritableArea;
  /** An earlier attempt may have written some of the files, or all of them. */
  retried: boolean;
  open: (path: string) => Promise<PlannedFile>;
}

/** Throws `patchDoesNotApply` and `patchOutsideWorkspace`; writes nothing. */
export async function planPatch(patches: FilePatch[], area: WritableArea, retried: boolean): Promise<PatchPlan> {
  const files = new Map<string, PlannedFile>();
  const planning: Planning = {
    area,
    retried,
    open: async (path) => {
      const file = files.get(path) ?? (await readPlannedFile(path));
      files.set(path, file);
      file.parts += 1;
      return file;
    },
  };
  const planned: PlannedChange[] = [];
  for (const patch of patches) planned.push(await planFile(patch, planning));
  for (const file of files.values()) if (retried && isPending(file)) assertKnown(file);
  const changes = planned.map(({ change, of }) =>
    of.some(isPending) ? change : { ...change, unchanged: true as const },
  );
  return { files: [...files.values()].filter(isPending), changes };
}

/**
 * For a file that several parts change, only two states can be recognised: before all of them, by its absence, and
 * after all of them.
 */
function assertKnown({ path, before, addedAgain, parts }: PlannedFile): void {
  if (addedAgain) throw isThere(path, before);
  if (before !== undefined && parts > 1) throw isUncertain(path);
}

function isUncertain(path: string): Failure {
  const reason = 'its worker was lost, and the text of the file does not say whether the hunks were applied before';
  return doesNotApply(path, `${reason}. Read the file`);
}

function isThere(path: string, found: FileContent | undefined): Failure {
  return doesNotApply(
    path,
    `there is such a file already${sizeOf(found)}. Change it by Update File, or delete it first`,
  );
}

function sizeOf(found: FileContent | undefined): string {
  return found?.type === 'text' ? `, with ${plural(countLines(found.text), 'line')}` : '';
}

function isPending(file: PlannedFile): boolean {
  return !sameContent(file.before, file.after);
}

interface PlannedChange {
  change: PatchChange;
  of: PlannedFile[];
}

function planFile(patch: FilePatch, planning: Planning): Promise<PlannedChange> {
  switch (patch.type) {
    case 'add':
      return planAdd(patch, planning);
    case 'delete':
      return planDelete(patch, planning);
    case 'update':
      return patch.movePath === undefined
        ? planUpdate(patch, planning)
        : planMove({ ...patch, movePath: patch.movePath }, planning);
  }
}

async function planAdd(patch: FilePatch & { type: 'add' }, { area, retried, open }: Planning): Promise<PlannedChange> {
  const path = area.resolve(patch.path, { entry: true });
  const file = await open(path);
  const after: FileContent = { type: 'text', text: patch.lines.map((line) => `${line}\n`).join('') };
  if (file.after !== undefined) {
    if (!retried) throw isThere(patch.path, file.after);
    file.addedAgain = true;
  }
  file.after = after;
  return {
    change: { path: area.show(path), kind: 'add', linesAdded: patch.lines.length, linesRemoved: 0 },
    of: [file],
  };
}

async function planDelete(
  patch: FilePatch & { type: 'delete' },
  { area, retried, open }: Planning,
): Promise<PlannedChange> {
  const path = area.resolve(patch.path, { entry: true });
  const file = await open(path);
  if (file.after === undefined && !retried) throw await noSuchFile(patch.path, path);
  const linesRemoved = file.after?.type === 'text' ? countLines(file.after.text) : 0;
  file.after = undefined;
  return { change: { path: area.show(path), kind: 'delete', linesAdded: 0, linesRemoved }, of: [file] };
}

type Update = FilePatch & { type: 'update' };

async function planUpdate(patch: Update, planning: Planning): Promise<PlannedChange> {
  const { area } = planning;
  const path = area.resolve(patch.path);
  const file = await planning.open(path);
  file.after = { type: 'text', text: await applyHunks(patch, file, planning) };
  return { change: { path: area.show(path), kind: 'update', ...countHunkLines(patch.hunks) }, of: [file] };
}

type Move = Update & { movePath: string };

/** A symbolic link is moved itself; hunks change its target. */
async function planMove(patch: Move, planning: Planning): Promise<PlannedChange> {
  const { area, retried, open } = planning;
  const [path, movePath] = [area.resolve(patch.path, { entry: true }), area.resolve(patch.movePath, { entry: true })];
  const [source, target] = [await open(path), await open(movePath)];
  const of = [source, target];
  const change = { path: area.show(path), movePath: area.show(movePath), kind: 'move' as const };
  if (source.after === undefined) {
    if (!retried || !isMoved(patch, target)) throw await noSuchFile(patch.path, path);
  } else if (source.after.type === 'link') {
    if (patch.hunks.length > 0) of.push(await planThroughLink(patch, planning));
    moveTo({ type: 'link', target: retarget(source.after.target, path, movePath) }, patch, source, target, retried);
  } else {
    const text = await applyHunks(patch, source, planning);
    if (target !== source) moveTo({ type: 'text', text }, patch, source, target, retried);
    else source.after = { type: 'text', text };
  }
  return { change: { ...change, ...countHunkLines(patch.hunks) }, of };
}

async function planThroughLink(patch: Move, planning: Planning): Promise<PlannedFile> {
  const file = await planning.open(planning.area.resolve(patch.path));
  file.after = { type: 'text', text: await applyHunks(patch, file, planning) };
  return file;
}

function moveTo(content: FileContent, patch: Move, source: PlannedFile, target: PlannedFile, retried: boolean): void {
  if (target.after !== undefined && !(retried && sameContent(target.after, content))) {
    const there = `${patch.movePath} is there already${sizeOf(target.after)}`;
    throw doesNotApply(patch.path, `${there}. Delete it first, or choose another name`);
  }
  target.after = content;
  target.like = source.like;
  source.after = undefined;
}

/** Whether a lost attempt has moved the file there. */
function isMoved({ hunks }: Move, { after }: PlannedFile): boolean {
  return after?.type === 'text' ? resultStands(after.text, hunks) : after?.type === 'link';
}

/** The relative link to the same file from another folder. */
function retarget(target: string, from: string, to: string): string {
  if (isAbsolute(target) || dirname(from) === dirname(to)) return target;
  return relative(dirname(to), join(dirname(from), target));
}

async function applyHunks(patch: Update, { path, before, after }: PlannedFile, planning: Planning): Promise<string> {
  if (after === undefined) throw await noSuchFile(patch.path, path);
  if (after.type === 'link') throw doesNotApply(patch.path, 'it is a symbolic link that leads nowhere');
  if (after.type === 'opaque') throw doesNotApply(patch.path, after.reason);
  // No lost attempt wrote the result of an earlier part of this patch.
  const edit = editText(after.text, patch.hunks, { retried: planning.retried && sameContent(before, after) });
  switch (edit.type) {
    case 'edited':
      return edit.text;
    case 'standing':
      return after.text;
    case 'uncertain':
      throw isUncertain(patch.path);
    case 'misfit':
      throw doesNotApply(patch.path, describeMisfit(after.text, edit));
  }
}

function countHunkLines(hunks: PatchHunk[]): { linesAdded: number; linesRemoved: number } {
  const count = (kind: string): number =>
    hunks.flatMap((hunk) => hunk.lines).filter((line) => line.kind === kind).length;
  return { linesAdded: count('added'), linesRemoved: count('removed') };
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0);
}
