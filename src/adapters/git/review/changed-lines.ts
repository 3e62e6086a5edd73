/** The places of a review's files, and which of their lines its changes touch. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, relative } from 'node:path';
import type { ChangedLines, LineRanges } from '../../../../activities/ports.ts';
import type { ReviewRange } from '../../../contract/index.ts';
import { type ClosedPaths, createClosedPaths } from '../../files/closed-paths.ts';
import { readChangedLines, unquoteName } from './diff-hunks.ts';
import { toShownPath } from '../process/git-process.ts';
import { findRepository, type ClosedFolders } from '../repository/repository-place.ts';
import { type RepositoryView, withView } from '../repository/repository-view.ts';
import { listUntracked, treeChanges } from '../repository/tree-changes.ts';

/** Independent of all settings. */
const PLAIN = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--find-renames', '--submodule=short'],
  ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/', '--ignore-submodules=dirty'],
];

/** See `GitPort.changedLines`. */
export async function changedLines(
  closed: ClosedFolders,
  cwd: string,
  range: ReviewRange | null,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ChangedLines> {
  const repository = findRepository(cwd, closed);
  const root = repository?.root ?? null;
  if (repository === null || root === null)
    return { root: null, files: paths.map((path) => ({ path, relative: null, ranges: null })) };
  const folder = await realpath(cwd);
  const place = { root, cwd: normalize(cwd), prefix: relative(root, folder) };
  const candidates = new Map(paths.map((path) => [path, candidatesOf(path, place)]));
  const wanted = [...new Set([...candidates.values()].flat())];
  const ranges =
    range === null || wanted.length === 0
      ? new Map<string, LineRanges>()
      : await withView(repository, signal, (view) => rangesOf(view, range, wanted, createClosedPaths(closed, folder)));
  const files = paths.map((path) => {
    const found = choose(candidates.get(path) ?? [], ranges, root);
    return { path, relative: found, ranges: found === null ? null : (ranges.get(found) ?? null) };
  });
  return { root, files };
}

// ----------------------------------------------------------------------------------------------------------- places

interface Place {
  root: string;
  cwd: string;
  /** From the root to the working directory, or empty. */
  prefix: string;
}

/**
 * Possible places of a path below the root, the likeliest first. The working directory may contain a link, and the path
 * may be quoted by git, or have blanks around it.
 */
function candidatesOf(path: string, place: Place): string[] {
  const inside = [path, unquoteName(path), path.trim()].flatMap((name) => placesOf(name, place));
  return [...new Set(inside)].filter(
    (one) => one !== '' && one !== '.' && !isAbsolute(one) && !/^\.\.(\/|$)/.test(one),
  );
}

function placesOf(path: string, { root, cwd, prefix }: Place): string[] {
  return isAbsolute(path)
    ? [relative(root, path), join(prefix, relative(cwd, path))]
    : [normalize(path), join(prefix, path)];
}

function choose(candidates: readonly string[], ranges: ReadonlyMap<string, LineRanges>, root: string): string | null {
  const changed = candidates.find((path) => ranges.has(path));
  return changed ?? candidates.find((path) => existsSync(join(root, path))) ?? candidates[0] ?? null;
}

// ----------------------------------------------------------------------------------------------------------- ranges

async function rangesOf(
  view: RepositoryView,
  { base, head }: ReviewRange,
  paths: readonly string[],
  closed: ClosedPaths,
): Promise<Map<string, LineRanges>> {
  const git = head === null ? view.inTree : view.git;
  const compared = head === null ? [base] : [base, head];
  const concerned = (await changesOf(view, base, head)).filter((names) => names.some((name) => paths.includes(name)));
  const names = concerned.flat();
  const lines =
    names.length === 0 ? '' : (await git(['diff', ...PLAIN, ...compared, '--', ...names])).stdout.toString();
  const untracked = head === null ? await listUntracked(view, closed, paths) : [];
  return new Map<string, LineRanges>([
    // A file that changed, but not by lines: its mode, its name, or binary content.
    ...names.map((name) => [name, 'all'] as const),
    ...readChangedLines(lines),
    ...untracked.map((name) => [toShownPath(name), 'all'] as const),
  ]);
}

/** The names of each changed file: two for a renamed one. */
async function changesOf(view: RepositoryView, base: string, head: string | null): Promise<string[][]> {
  if (head === null) return (await treeChanges(view, base)).map(({ names }) => names.map(toShownPath));
  const status = await view.git(['diff', '--name-status', '-z', '--no-relative', '--find-renames', base, head, '--']);
  return toStatus(status.stdout.toString()).map(({ names }) => names);
}

/** Every change with git's letter for it and its names: two for a renamed file. */
export function toStatus(output: string): { kind: string; names: string[] }[] {
  const words = output.split('\0').filter((word) => word !== '');
  const found: ReturnType<typeof toStatus> = [];
  for (let at = 0; at < words.length;) {
    const [kind = ''] = words[at] ?? '';
    const count = /[RC]/.test(kind) ? 2 : 1;
    found.push({ kind, names: words.slice(at + 1, at + 1 + count) });
    at += 1 + count;
  }
  return found;
}
