/**
 * The places of a repository's parts, read from its files alone: no git runs, and of its configuration only the format
 * of its ids is interpreted.
 *
 * A command may have written any of it. So no part may be in a folder that commands cannot read, whether through a
 * `.git` that is a file or a link, through `commondir`, through borrowed objects, or through a link further inside: a
 * model would see what is read there. There are two exceptions: a part in the work tree itself, and a repository that
 * has registered the work tree.
 */
import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isTrustedAbove } from '../../../folders/work-tree.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { isInsideReal } from '../../../folders/folders.ts';
import { isThere } from '../../../folders/real-path.ts';
import { toRealPath } from '../../shell/sandbox/mounts.ts';

export interface RepositoryPlace {
  /** Top of its work tree, absolute; null for a bare repository. */
  root: string | null;
  /** Contains HEAD and the index. A linked work tree has its own. */
  gitDir: string;
  /** Contains references, objects and the configuration. */
  commonDir: string;
  /** The common directory has registered the work tree. */
  isRegistered: boolean;
  /** Folders of objects, the first one its own. */
  objects: string[];
  objectFormat: 'sha1' | 'sha256';
}

export type WorkTreePlace = RepositoryPlace & { root: string };

/** Absolute paths that commands cannot read. */
export type ClosedFolders = readonly string[];

/** The parts that the caller reads afterwards: checking all its objects takes time. */
type Reads = 'objects' | 'index';

/** The nearest repository upwards whose work tree contains the folder; null if there is none. */
export function findRepository(cwd: string, closed: ClosedFolders, reads: Reads = 'objects'): WorkTreePlace | null {
  const start = toRealPath(cwd);
  for (let folder = start; folder !== undefined; folder = dirname(folder)) {
    if (basename(folder) === '.git') return null;
    const place = isTrustedAbove(folder, start ?? folder) ? repositoryAt(folder, closed, reads) : null;
    if (place !== null || folder === dirname(folder)) return place;
  }
  return null;
}

/** The repository whose work tree has this top, absolute and without links; null if there is none. */
export function repositoryAt(root: string, closed: ClosedFolders, reads: Reads = 'objects'): WorkTreePlace | null {
  const place = readPlace(join(root, '.git'), root, closed, reads);
  return place === null ? null : { ...place, root };
}

/** The repository at exactly this path, as `git fetch` finds it; null if there is none. */
export function findRepositoryOrBare(path: string, closed: ClosedFolders): RepositoryPlace | null {
  const at = toRealPath(path) ?? toRealPath(`${path}.git`);
  return at === undefined ? null : (repositoryAt(at, closed) ?? readPlace(at, null, closed, 'objects'));
}

/** Why that is not a repository, with the path, for a person; null if nothing is there. */
export function faultAt(gitPath: string, root: string | null, closed: ClosedFolders): string | null {
  const found = inspect(gitPath, root, closed, 'objects');
  return 'fault' in found ? found.fault : null;
}

function readPlace(gitPath: string, root: string | null, closed: ClosedFolders, reads: Reads): RepositoryPlace | null {
  const found = inspect(gitPath, root, closed, reads);
  return 'fault' in found ? null : found;
}

function inspect(
  gitPath: string,
  root: string | null,
  closed: ClosedFolders,
  reads: Reads,
): RepositoryPlace | { fault: string | null } {
  const gitDir = resolveGitDir(gitPath);
  if (gitDir === null)
    return { fault: isThere(gitPath) ? `${toVisibleLine(gitPath)} does not lead to a repository` : null };
  const common = readSmallFile(join(gitDir, 'commondir'));
  const commonDir = common === null ? gitDir : resolve(gitDir, common.trimEnd());
  const own = join(commonDir, 'objects');
  const missing = [join(gitDir, 'HEAD'), own, join(commonDir, 'refs')].find((part) => statOf(part) === null);
  if (missing !== undefined) return { fault: `${toVisibleLine(missing)} is missing, or cannot be read` };
  const config = readSmallFile(join(commonDir, 'config')) ?? '';
  const objectFormat = /^\s*objectformat\s*=\s*"?sha256\b/im.test(config) ? 'sha256' : 'sha1';
  const isRegistered = root !== null && common !== null && namesBack(gitDir, commonDir, root);
  const objects = [own, ...relativeAlternates(own)];
  const place = { root, gitDir, commonDir, isRegistered, objects, objectFormat } as const;
  const fault = findClosedPart(place, closed, reads);
  return fault === null ? place : { fault: `${toVisibleLine(gitPath)} depends on ${fault}` };
}

/** A folder, or a file that refers to one: for a linked work tree or a submodule. */
function resolveGitDir(path: string): string | null {
  const stats = statOf(path);
  if (stats?.isDirectory()) return path;
  if (!stats?.isFile()) return null;
  const target = /^gitdir: ([^\n]+)/.exec(readSmallFile(path) ?? '')?.[1];
  return target === undefined ? null : resolve(dirname(path), target.trimEnd());
}

/** Git follows relative alternates only of a repository itself, and absolute ones in any. */
function relativeAlternates(objects: string): string[] {
  const paths = alternatesOf(objects) ?? [];
  return paths.filter((path) => /^[^/\s]/.test(path)).map((path) => resolve(objects, path));
}

/** In their written form; null for a file that is not read here as git reads it. */
function alternatesOf(objects: string): string[] | null {
  const file = join(objects, 'info', 'alternates');
  if (statOf(file) === null) return [];
  const lines = readSmallFile(file)?.split('\n') ?? null;
  if (lines === null || lines.some((line) => /^"|[\0\ufffd]/.test(line))) return null;
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

const MAX_LENDERS = 100;

/** All folders of objects that git reads for these, including themselves, or the one whose alternates are unclear. */
function withLenders(folders: readonly string[]): string[] | { unclear: string } {
  const all = new Set(folders);
  for (const folder of all) {
    const paths = alternatesOf(folder);
    if (paths === null || all.size + paths.length > MAX_LENDERS) return { unclear: folder };
    for (const path of paths) all.add(resolve(folder, path));
  }
  return [...all];
}

/** Links instead of objects, or of a folder of them. */
function linksIn(objects: string): string[] {
  const folders = list(objects).filter(({ name }) => /^([0-9a-f]{2}|pack|info)$/.test(name));
  const files = folders.flatMap(({ name }) => list(join(objects, name)));
  return [...folders, ...files].filter((one) => one.isSymbolicLink()).map((one) => join(one.parentPath, one.name));
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A `.git` can name any repository as its own; the repository must know it, too. */
function namesBack(gitDir: string, commonDir: string, root: string): boolean {
  const [own, shared] = [toRealPath(gitDir), toRealPath(commonDir)];
  if (own === undefined || shared === undefined || dirname(own) !== join(shared, 'worktrees')) return false;
  const back = readSmallFile(join(own, 'gitdir'))?.trimEnd();
  return back !== undefined && toRealPath(resolve(own, back)) === toRealPath(join(root, '.git'));
}

/** The files that git reads of each; any of them may be a link. */
const OF_GIT_DIR = ['HEAD', 'index', 'commondir', 'gitdir'];
const OF_COMMON_DIR = ['refs', 'packed-refs', 'shallow', 'logs', 'config', 'info', 'info/exclude'];
const OF_OBJECTS = ['info', 'info/alternates', 'pack'];

/** Names a part that is closed; null if none is. */
function findClosedPart(place: RepositoryPlace, closed: ClosedFolders, reads: Reads): string | null {
  if (closed.length === 0) return null;
  const { root, gitDir, commonDir, isRegistered, objects } = place;
  const stores = reads === 'index' ? [] : withLenders(objects);
  if ('unclear' in stores)
    return `${toVisibleLine(join(stores.unclear, 'info/alternates'))}, which does not say clearly whose objects it borrows`;
  const inside = (folder: string, names: readonly string[]) => [folder, ...names.map((name) => join(folder, name))];
  const parts = [
    ...inside(gitDir, OF_GIT_DIR),
    ...inside(commonDir, OF_COMMON_DIR),
    ...stores.flatMap((folder) => [...inside(folder, OF_OBJECTS), ...linksIn(folder)]),
  ];
  const known = [root ?? gitDir, ...(isRegistered ? [commonDir] : [])].flatMap((path) => toRealPath(path) ?? []);
  const elsewhere = parts
    .map((path) => ({ path, real: toRealPath(path) ?? '' }))
    .filter(({ real }) => real !== '' && !known.some((folder) => isInsideReal(real, folder)));
  if (elsewhere.length === 0) return null;
  const walls = closed.flatMap((path) => toRealPath(path) ?? []);
  const part = elsewhere.find(({ real }) => walls.some((wall) => isInsideReal(real, wall)));
  return part === undefined ? null : `${toVisibleLine(part.path)}, which lies where commands cannot read`;
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

const SMALL_BYTES = 1024 * 1024;

/** Null if it is not a file, or cannot be read. Does not wait for a pipe. */
export function readSmallFile(path: string): string | null {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    return stats.isFile() && stats.size <= SMALL_BYTES ? readFileSync(file, 'utf8') : null;
  } catch {
    return null;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
