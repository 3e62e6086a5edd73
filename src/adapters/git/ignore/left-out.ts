/**
 * The files that a snapshot leaves out and why: large ones, those in large folders, folders that a build makes again.
 */
import { join } from 'node:path';
import type { ClosedPaths } from '../../files/closed-paths.ts';
import { type RawPath, toShownPath } from '../process/git-process.ts';
import { foldersOf } from '../repository/repository-data.ts';

/** Bytes; a larger untracked file is left out. */
export const MAX_UNTRACKED_BYTES = 10 * 1024 * 1024;
/** Number of files from which on an untracked folder is left out. */
export const LARGE_FOLDER_FILES = 200;
const BUILD_FOLDERS: ReadonlySet<string> = new Set(
  'node_modules .venv venv env .env dist build .pytest_cache .mypy_cache .cache .tox __pycache__'.split(' '),
);

/** Why files are not in a snapshot; the keys are stored with it. */
export const REASONS = {
  large: 'untracked files over 10 MiB',
  huge: 'files over 256 MiB',
  manyFiles: `untracked folders of ${LARGE_FOLDER_FILES} files and more`,
  build: 'untracked folders that builds make',
  special: 'pipes, sockets and devices',
  unreadable: 'files that cannot be read',
  gitNames: 'what is named like .git in other letters',
  denied: 'what commands must not read',
  deep: 'paths that are too long, or too deep in folders',
} as const;

export type Reason = keyof typeof REASONS;
/** Folders end with a slash. */
export type LeftOut = Partial<Record<Reason, RawPath[]>>;

/** In the order of the reasons. */
export function toListed(leftOut: LeftOut): [string, RawPath[]][] {
  return (Object.entries(REASONS) as [Reason, string][]).flatMap(([reason, words]) => {
    const paths = leftOut[reason] ?? [];
    return paths.length === 0 ? [] : [[words, paths] satisfies [string, RawPath[]]];
  });
}

export function isBuildFolder(name: RawPath): boolean {
  return BUILD_FOLDERS.has(name);
}

/**
 * The innermost untracked folders with that many files: files that are left out are not counted again for the folder
 * around them.
 * @param isTracked whether a folder, which ends with a slash, has tracked files.
 */
export function largeFolders(files: readonly RawPath[], isTracked: (folder: RawPath) => boolean): Set<RawPath> {
  const counts = new Map<RawPath, number>();
  const around = (path: RawPath) => foldersOf(path).filter((folder) => !isTracked(folder));
  for (const path of files) for (const folder of around(path)) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  const large = new Set<RawPath>();
  const deepestFirst = [...counts.keys()].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const folder of deepestFirst) {
    const count = counts.get(folder) ?? 0;
    if (count < LARGE_FOLDER_FILES) continue;
    large.add(folder);
    for (const outer of around(folder)) counts.set(outer, (counts.get(outer) ?? 0) - count);
  }
  return large;
}

/** Whether the path is one of these, or inside one. */
export function isWithin(path: RawPath, places: ReadonlySet<RawPath>): boolean {
  return places.has(path) || foldersOf(path).some((folder) => places.has(folder));
}

/** Whether a path of this folder is closed to commands. */
export function isClosed(path: RawPath, folder: string, closed: Pick<ClosedPaths, 'has'>): boolean {
  return closed.has(join(folder, toShownPath(path)));
}

const SHOWN = 5;

/** The first few by name, the rest by number. */
export function listPaths(paths: readonly RawPath[]): string {
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '';
  return `${paths.slice(0, SHOWN).map(toShort).join(', ')}${more}`;
}

const SHOWN_CHARS = 200;

function toShort(path: RawPath): string {
  const shown = toShownPath(path);
  return shown.length <= SHOWN_CHARS ? shown : `${shown.slice(0, SHOWN_CHARS)}… (${shown.length} characters)`;
}
