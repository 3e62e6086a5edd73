import { basename, dirname } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { PatchPort } from '../../../activities/ports.ts';
import { listDeniedPaths } from '../shell/sandbox/denied-paths.ts';
import { parsePatch, type FilePatch } from './patch-grammar.ts';
import { planPatch } from './patch-plan.ts';
import { type PlannedFile, toVersion } from './planned-file.ts';
import { type SafeFolder, inFolder } from './safe-folder.ts';
import { findLeads } from './path-leads.ts';
import { followLinks } from '../../folders/real-path.ts';
import { assertWorkspace } from './workspace.ts';
import { type WritableArea, createWritableArea } from './writable-area.ts';

export interface PatcherOptions {
  /** Absolute; folders that no patch in a sandbox may write, at any place. */
  closedFolders?: string[];
  /** Absolute; paths that no patch in a sandbox may read or write unless the workspace is inside. */
  deniedPaths?: readonly string[];
}

/**
 * Applies patches in the form of Codex (see `patch-grammar.ts`), but never overwrites a file by an added or a moved
 * one. Everything is computed and checked before the first write, and each file is replaced as a whole. After the first
 * write has begun the signal is ignored.
 *
 * A retry attributes existing results to a lost attempt, and completes the rest (see `patch-plan.ts`).
 */
export function createPatcher({ closedFolders = [], deniedPaths = listDeniedPaths() }: PatcherOptions = {}): PatchPort {
  return {
    async apply(patch, { cwd, root, sandbox, actionId, retried = false, leads = [] }, signal) {
      signal.throwIfAborted();
      const patches = parse(patch);
      assertWorkspace(cwd, root);
      const area = createWritableArea(root ?? cwd, sandbox, {
        closed: closedFolders,
        denied: deniedPaths,
        shown: { cwd, leads },
      });
      if (retried && actionId !== undefined) await removeDrafts(patches, area, actionId);
      const { files, changes } = await planPatch(patches, area, retried);
      signal.throwIfAborted();
      await writeAll(
        files.toSorted((one, other) => rank(one) - rank(other)),
        actionId,
      );
      return { changes };
    },
    leads(patch, cwd) {
      const parsed = parsePatch(patch);
      if (!parsed.ok) return [];
      return findLeads(pathsOf(parsed.files), cwd, followLinks(cwd));
    },
  };
}

function pathsOf(patches: readonly FilePatch[]): string[] {
  return patches.flatMap((file) =>
    file.type === 'update' && file.movePath !== undefined ? [file.path, file.movePath] : [file.path],
  );
}

/** A lost attempt was killed while it wrote; this one may write something else, or nothing. */
async function removeDrafts(patches: readonly FilePatch[], area: WritableArea, actionId: string): Promise<void> {
  const attempts = pathsOf(patches).flatMap((path) =>
    [true, false].map((entry) => () => area.resolve(path, { entry })),
  );
  for (const resolve of attempts) {
    try {
      const path = resolve();
      await inFolder(dirname(path), (folder) => folder.removeDraft(basename(path), actionId));
    } catch {
      // If the patch may not write there, or there is no folder, there is no draft.
    }
  }
}

const MAX_FOUND_CHARS = 200;

function parse(patch: string): FilePatch[] {
  const lines = patch.split('\n');
  const odd = lines.findIndex((line) => !line.isWellFormed());
  // The file would contain U+FFFD instead.
  const broken = { ok: false, line: odd + 1, expected: 'whole characters, and not half of a surrogate pair' } as const;
  const parsed = odd === -1 ? parsePatch(patch) : broken;
  if (parsed.ok) return parsed.files;
  const { line, expected } = parsed;
  const found = (lines[line - 1] ?? '').slice(0, MAX_FOUND_CHARS).toWellFormed();
  throw new Failure(
    'patchMalformed',
    `Line ${line} of the patch: expected ${expected}, found ${JSON.stringify(found)}.`,
    {
      details: { line },
    },
  );
}

/** New files first and removals last, so that a crash at any time leaves every text on disk. */
function rank(file: PlannedFile): number {
  if (file.after === undefined) return 2;
  return file.before === undefined ? 0 : 1;
}

async function writeAll(files: PlannedFile[], actionId: string | undefined): Promise<void> {
  for (const [index, file] of files.entries()) {
    await put(file, actionId).catch((error: unknown) => {
      throw couldNotWrite(file.path, files.slice(0, index), error);
    });
  }
}

function couldNotWrite(path: string, written: PlannedFile[], cause: unknown): Failure {
  const said = cause instanceof Error ? cause.message : String(cause);
  const before = written.length === 0 ? 'nothing' : written.map((file) => file.path).join(', ');
  const message = `The patch could not write ${path}: ${said}. Written before: ${before}.`;
  return new Failure('patchDoesNotApply', message, { cause, details: { path } });
}

/**
 * The plan has resolved all links of the path. If it has one now, somebody else has put it there, and it is refused.
 */
async function put(file: PlannedFile, actionId: string | undefined): Promise<void> {
  const name = basename(file.path);
  const putIn = async (folder: SafeFolder): Promise<void> => {
    if (toVersion(await folder.lstat(name)) !== file.version) throw new Error('somebody else changed it just now');
    await putContent(folder, name, file, actionId);
  };
  await inFolder(dirname(file.path), putIn, { create: file.after !== undefined });
}

function putContent(
  folder: SafeFolder,
  name: string,
  { after, like }: PlannedFile,
  actionId: string | undefined,
): Promise<void> {
  switch (after?.type) {
    case 'text':
      return folder.write(name, after.text, { ...(like && { like }), ...(actionId !== undefined && { actionId }) });
    case 'link':
      return folder.symlink(after.target, name);
    case 'opaque':
      return Promise.reject(new Error('what it is made from was not read'));
    case undefined:
      return folder.unlink(name);
  }
}
