/** Where the files of a review lie, and which of their lines its changes touch. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, normalize, relative } from 'node:path';
import type { ChangedLines, LineRanges } from '../../../activities/ports.ts';
import type { ReviewRange } from '../../contract/index.ts';
import { readChangedLines } from './diff-hunks.ts';
import { runGit } from './git-process.ts';
import { findWorkTree } from './repository.ts';
import { UNTRACKED } from './review-range.ts';

/** What the person's settings may not change about a diff. */
const PLAIN = [
  ...['--no-color', '--no-ext-diff', '--no-textconv', '--no-relative', '--find-renames', '--submodule=short'],
  ...['--unified=0', '--inter-hunk-context=0', '--src-prefix=a/', '--dst-prefix=b/'],
];

/** See `GitPort.changedLines`. */
export async function changedLines(
  cwd: string,
  range: ReviewRange | null,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<ChangedLines> {
  const tree = await findWorkTree(cwd, signal);
  if (tree === null) return { root: null, files: paths.map((path) => ({ path, relative: null, ranges: null })) };
  const { root } = tree;
  const git = async (...args: string[]) => (await runGit(args, { cwd: root, signal })).stdout.toString();
  const place = { root, cwd: normalize(cwd), prefix: cwd === root ? '' : await readPrefix(cwd, signal) };
  const candidates = new Map(paths.map((path) => [path, candidatesOf(path, place)]));
  const ranges = await rangesOf(git, range, [...new Set([...candidates.values()].flat())]);
  const files = paths.map((path) => {
    const found = choose(candidates.get(path) ?? [], ranges, root);
    return { path, relative: found, ranges: found === null ? null : (ranges.get(found) ?? null) };
  });
  return { root, files };
}

// ----------------------------------------------------------------------------------------------------------- places

async function readPrefix(cwd: string, signal: AbortSignal): Promise<string> {
  return (await runGit(['rev-parse', '--show-prefix'], { cwd, signal })).stdout.toString().replace(/\n$/, '');
}

interface Place {
  root: string;
  cwd: string;
  /** From the root to the working directory, with a slash at the end, or empty. */
  prefix: string;
}

/** Where below the root a path may lie, the likeliest first. The working directory may be written with a link in it. */
function candidatesOf(path: string, { root, cwd, prefix }: Place): string[] {
  const inside = isAbsolute(path)
    ? [relative(root, path), join(prefix, relative(cwd, path))]
    : [normalize(path), join(prefix, path)];
  return [...new Set(inside)].filter(
    (one) => one !== '' && one !== '.' && !isAbsolute(one) && !/^\.\.(\/|$)/.test(one),
  );
}

function choose(candidates: readonly string[], ranges: ReadonlyMap<string, LineRanges>, root: string): string | null {
  const changed = candidates.find((path) => ranges.has(path));
  return changed ?? candidates.find((path) => existsSync(join(root, path))) ?? candidates[0] ?? null;
}

// ----------------------------------------------------------------------------------------------------------- ranges

async function rangesOf(
  git: (...args: string[]) => Promise<string>,
  range: ReviewRange | null,
  paths: readonly string[],
): Promise<Map<string, LineRanges>> {
  if (range === null || paths.length === 0) return new Map();
  const { base, head } = range;
  const compared = head === null ? [base] : [base, head];
  const status = toStatus(
    await git('diff', '--name-status', '-z', '--no-relative', '--find-renames', ...compared, '--'),
  );
  const concerned = status.filter(({ names }) => names.some((name) => paths.includes(name)));
  const names = concerned.flatMap((one) => one.names);
  const lines = names.length === 0 ? '' : await git('diff', ...PLAIN, ...compared, '--', ...names);
  const untracked = head === null ? (await git(...UNTRACKED, '-z', '--', ...paths)).split('\0') : [];
  return new Map<string, LineRanges>([
    // A file that changed, but not by lines: its mode, its name, or bytes that are no text.
    ...names.map((name) => [name, 'all'] as const),
    ...readChangedLines(lines),
    ...untracked.filter((name) => name !== '').map((name) => [name, 'all'] as const),
  ]);
}

/** Every change with git's letter for it and the names it concerns: two for a file that was renamed. */
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
