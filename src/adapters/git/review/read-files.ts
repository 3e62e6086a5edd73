/** Files of a commit, independent of the disk. */
import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { type RawPath, toRawPaths, toShownPath } from '../process/git-process.ts';
import { findRepository, type ClosedFolders } from '../repository/repository-place.ts';
import { type ViewGit, withView } from '../repository/repository-view.ts';

/** Bytes of one file, and of all together; larger files are not read. */
const BOUNDS = { file: 2 * 1024 * 1024, all: 64 * 1024 * 1024 };

/** See `GitPort.readFiles`. */
export async function readFiles(
  closed: ClosedFolders,
  cwd: string,
  commit: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const place = paths.length === 0 ? null : findRepository(cwd, closed);
  return place === null ? new Map() : withView(place, signal, ({ git }) => readBlobs(git, commit, paths));
}

/** See `GitPort.readDocs`. */
export async function readDocs(
  closed: ClosedFolders,
  cwd: string,
  commit: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const place = findRepository(cwd, closed);
  if (place?.root == null || names.length === 0) return [];
  const inside = relative(place.root, await realpath(cwd))
    .split('/')
    .filter(Boolean);
  const folders = ['', ...inside.map((_, depth) => `${inside.slice(0, depth + 1).join('/')}/`)];
  const paths = folders.flatMap((folder) => names.map((name) => `${folder}${name}`));
  const texts = await withView(place, signal, ({ git }) => readBlobs(git, commit, paths, ['--follow-symlinks']));
  return folders.flatMap((folder) => names.map((name) => texts.get(`${folder}${name}`)).find(isText) ?? []);
}

const isText = (text: string | undefined): text is string => text !== undefined;

/** {@link readFiles} in an open view. */
export async function readBlobs(
  git: ViewGit,
  commit: string,
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<Map<string, string>> {
  const blobs = await findBlobs(git, commit, paths, options);
  if (blobs.length === 0) return new Map();
  const ids = blobs.map(({ id }) => `${id}\n`).join('');
  const { stdout } = await git(['cat-file', '--batch'], { input: ids });
  return new Map(cutApart(stdout, blobs));
}

/** The files of a commit by their paths, without missing and too large ones. */
export async function findBlobs(
  git: ViewGit,
  commit: string,
  paths: readonly string[],
  options: readonly string[] = [],
): Promise<Blob[]> {
  // Git reads the names line by line.
  const asked = [...new Set(paths)].filter((path) => !/[\n\0]/.test(path));
  if (asked.length === 0) return [];
  const raw = await toRawNames(git, commit, asked);
  const input = Buffer.concat(asked.map((path) => Buffer.from(`${commit}:${raw.get(path) ?? ''}\n`, 'latin1')));
  const checked = await git(['cat-file', '--batch-check', ...options], { input });
  return chooseBlobs(asked, toAnswers(checked.stdout.toString()));
}

/**
 * The bytes of names: a name that is not text contains U+FFFD, and must be looked up in the commit. If two look the
 * same, the first is used.
 */
async function toRawNames(
  git: ViewGit,
  commit: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, RawPath>> {
  const names = new Map(paths.map((path) => [path, Buffer.from(path).toString('latin1')]));
  if (!paths.some((path) => path.includes('\ufffd'))) return names;
  const { stdout } = await git(['ls-tree', '-r', '-z', '--name-only', '--full-tree', commit]);
  for (const raw of toRawPaths(stdout).reverse()) if (names.has(toShownPath(raw))) names.set(toShownPath(raw), raw);
  return names;
}

/** One line for each question. A broken link in the commit has two. */
function toAnswers(output: string): string[] {
  return output.replace(/^(?:symlink|dangling|loop|notdir) \d+\n.*$/gm, 'missing').split('\n');
}

interface Blob {
  path: string;
  id: string;
  size: number;
}

/** @param lines `<id> <type> <size>`, or something else for a missing one, in the order of the paths. */
function chooseBlobs(paths: readonly string[], lines: readonly string[]): Blob[] {
  let left = BOUNDS.all;
  return paths.flatMap((path, index) => {
    const [, id, bytes] = /^([0-9a-f]{40,64}) blob (\d+)$/.exec(lines[index] ?? '') ?? [];
    const size = Number(bytes);
    if (id === undefined || size > BOUNDS.file || size > left) return [];
    left -= size;
    return [{ path, id, size }];
  });
}

/** A line with the type precedes each body, and a line break follows it. */
function cutApart(output: Buffer, blobs: readonly Blob[]): [string, string][] {
  let at = 0;
  return blobs.map(({ path, size }) => {
    const start = output.indexOf('\n', at) + 1;
    at = start + size + 1;
    return [path, output.toString('utf8', start, start + size)];
  });
}
