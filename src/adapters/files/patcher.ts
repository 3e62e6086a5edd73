import { basename, dirname } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { PatchPort } from '../../../activities/ports.ts';
import { parsePatch, type FilePatch } from './patch-grammar.ts';
import { planPatch, type PlannedFile } from './patch-plan.ts';
import { ignoring, inFolder } from './safe-folder.ts';
import { assertWorkspace } from './workspace.ts';
import { createWritableArea } from './writable-area.ts';

export interface PatcherOptions {
  /** Absolute; folders that no patch in a sandbox may write, wherever they lie. */
  closedFolders?: string[];
}

/**
 * Applies patches in the form of Codex (see `patch-grammar.ts`). All is computed and checked before the first write, each
 * file is replaced as a whole, and what is there already is not written again: a patch that was cut short is completed
 * when it is applied anew. Once the first file is being written the signal is no longer heeded.
 *
 * Twice is once as far as the files can tell. Where the removed lines stand a second time further down, or added lines
 * stood at their place before, the text does not say whether the patch was applied: the first is applied again, the
 * second is taken for applied (`alreadyApplied` says so).
 */
export function createPatcher({ closedFolders = [] }: PatcherOptions = {}): PatchPort {
  return {
    async apply(patch, where, signal) {
      signal.throwIfAborted();
      const files = parse(patch);
      assertWorkspace(where.cwd);
      const plan = await planPatch(files, createWritableArea(where.cwd, where.sandbox, closedFolders));
      const pending = plan.files.filter((file) => file.before !== file.after);
      signal.throwIfAborted();
      for (const file of pending.toSorted((one, other) => rank(one) - rank(other))) await write(file);
      return { changes: plan.changes, alreadyApplied: pending.length === 0 };
    },
  };
}

function parse(patch: string): FilePatch[] {
  const parsed = parsePatch(patch);
  if (parsed.ok) return parsed.files;
  throw new Failure('patchMalformed', `Line ${String(parsed.line)} of the patch: expected ${parsed.expected}.`, {
    details: { line: parsed.line },
  });
}

/** New files first and removals last: wherever a crash falls in, no text is only in memory. */
function rank(file: PlannedFile): number {
  if (file.after === undefined) return 2;
  return file.before === undefined ? 0 : 1;
}

async function write(file: PlannedFile): Promise<void> {
  try {
    await put(file);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new Failure('patchDoesNotApply', `The patch could not write ${file.path}: ${said}`, {
      cause: error,
      details: { path: file.path },
    });
  }
}

/** The path has no links, as the plan resolved them. If it has one now, it is refused: somebody else put it there. */
async function put({ path, after, like }: PlannedFile): Promise<void> {
  const name = basename(path);
  if (after === undefined) {
    await inFolder(dirname(path), (folder) => folder.unlink(name)).catch(ignoring('ENOENT'));
  } else {
    await inFolder(dirname(path), (folder) => folder.write(name, after, like && { like }), { create: true });
  }
}
