/** Which untracked files a snapshot takes: not the large ones, not those in large folders, not what a build makes anew. */
import { access, constants, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { type RawPath, toShownPath } from './git-process.ts';

/** Bytes; a larger untracked file is left out. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** Files from which on an untracked folder is left out. */
const LARGE_FOLDER_FILES = 200;
const BUILD_FOLDERS: ReadonlySet<string> = new Set(
  'node_modules .venv venv env .env dist build .pytest_cache .mypy_cache .cache .tox __pycache__'.split(' '),
);

export interface Sorted {
  kept: RawPath[];
  /** Files and folders, the latter with a slash at the end. */
  leftOut: RawPath[];
  /** What was left out and why, for a person; one line for each reason. */
  warnings: string[];
}

interface Reason {
  text: string;
  paths: RawPath[];
}

/**
 * @param untracked every untracked file that is not ignored; a repository within stands as its folder, with a slash.
 * @param topFolders the untracked folders that lie in a folder with tracked files, with a slash.
 */
export async function sortUntracked(
  cwd: string,
  untracked: readonly RawPath[],
  topFolders: readonly RawPath[],
): Promise<Sorted> {
  const repositories = untracked.filter((path) => path.endsWith('/'));
  const files = untracked.filter((path) => !path.endsWith('/'));
  const builds = foldersNamedLikeBuilds(files);
  const apart = files.filter((path) => !isWithin(path, builds));
  const large = largeFolders(apart, new Set(topFolders));
  const small = apart.filter((path) => !isWithin(path, large));
  const looked = await Promise.all(small.map(async (path) => ({ path, found: await look(cwd, path) })));
  const those = (what: Found) => looked.flatMap(({ path, found }) => (found === what ? [path] : []));
  const reasons: Reason[] = [
    { text: 'untracked files over 10 MiB', paths: those('large') },
    { text: `untracked folders of ${LARGE_FOLDER_FILES} files and more`, paths: [...large] },
    { text: 'untracked folders that builds make', paths: [...builds] },
    { text: 'repositories within this one', paths: repositories },
    { text: 'files that cannot be read', paths: those('unreadable') },
  ];
  return {
    kept: those('fit'),
    leftOut: reasons.flatMap(({ paths }) => paths),
    warnings: reasons.filter(({ paths }) => paths.length > 0).map(toWarning),
  };
}

type Found = 'fit' | 'large' | 'unreadable' | 'gone';

async function look(cwd: string, path: RawPath): Promise<Found> {
  const file = toFileName(cwd, path);
  try {
    const stats = await lstat(file);
    if (stats.isSymbolicLink()) return 'fit';
    if (stats.size > MAX_FILE_BYTES) return 'large';
    await access(file, constants.R_OK);
    return 'fit';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

/** A raw path as the file system takes it. */
export function toFileName(cwd: string, path: RawPath): Buffer {
  return Buffer.concat([Buffer.from(join(cwd, '/')), Buffer.from(path, 'latin1')]);
}

function foldersNamedLikeBuilds(files: readonly RawPath[]): Set<RawPath> {
  const found = new Set<RawPath>();
  for (const path of files) {
    const folders = foldersOf(path);
    const build = folders.find((folder) => BUILD_FOLDERS.has(nameOf(folder)));
    if (build !== undefined) found.add(build);
  }
  return found;
}

/**
 * The untracked folders that hold that many files, the innermost ones: what is left out is not counted again for the
 * folder around it.
 */
function largeFolders(files: readonly RawPath[], topFolders: ReadonlySet<RawPath>): Set<RawPath> {
  const counts = new Map<RawPath, number>();
  for (const path of files) {
    for (const folder of untrackedFoldersOf(path, topFolders)) counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const large = new Set<RawPath>();
  const deepestFirst = [...counts.keys()].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const folder of deepestFirst) {
    const count = counts.get(folder) ?? 0;
    if (count < LARGE_FOLDER_FILES) continue;
    large.add(folder);
    for (const around of untrackedFoldersOf(folder, topFolders)) counts.set(around, (counts.get(around) ?? 0) - count);
  }
  return large;
}

/** The untracked folders around a path, outermost first. */
function untrackedFoldersOf(path: RawPath, topFolders: ReadonlySet<RawPath>): RawPath[] {
  const folders = foldersOf(path);
  const top = folders.findIndex((folder) => topFolders.has(folder));
  return top === -1 ? [] : folders.slice(top);
}

/** `a/b/c` and `a/b/c/` lie in `a/` and `a/b/`. */
function foldersOf(path: RawPath): RawPath[] {
  const folders: RawPath[] = [];
  for (let at = path.indexOf('/'); at !== -1 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
    folders.push(path.slice(0, at + 1));
  }
  return folders;
}

function nameOf(folder: RawPath): string {
  return folder.slice(folder.lastIndexOf('/', folder.length - 2) + 1, -1);
}

/** Whether the path is one of these, or lies in one that is a folder. */
export function isWithin(path: RawPath, places: ReadonlySet<RawPath>): boolean {
  return places.has(path) || foldersOf(path).some((folder) => places.has(folder));
}

const SHOWN = 5;

function toWarning({ text, paths }: Reason): string {
  return `Not in the snapshot, ${text}: ${listPaths(paths)}`;
}

/** The first few by name, the rest by number. */
export function listPaths(paths: readonly RawPath[]): string {
  const more = paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : '';
  return `${paths.slice(0, SHOWN).map(toShownPath).join(', ')}${more}`;
}
