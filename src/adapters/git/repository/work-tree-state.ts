/** Branch, commit and uncommitted changes of a work tree, in short. */
import { realpath } from 'node:fs/promises';
import { type WorkTreeState, SHOWN_CHANGES } from '../../../../activities/ports.ts';
import { createClosedPaths } from '../../files/closed-paths.ts';
import { assertWorkspace } from '../../files/workspace.ts';
import { isClosed } from '../ignore/left-out.ts';
import { toRawPaths, toShownPath } from '../process/git-process.ts';
import { type ClosedFolders, findRepository } from './repository-place.ts';
import { withView } from './repository-view.ts';

const STATUS = ['status', '--porcelain=v2', '--branch', '-z', '--no-renames', '--ignore-submodules=all'];
const MAX_STATUS_BYTES = 4 * 1024 * 1024;

/** See `GitPort.workTree`. */
export async function workTreeState(
  closed: ClosedFolders,
  cwd: string,
  signal: AbortSignal,
): Promise<WorkTreeState | null> {
  assertWorkspace(cwd);
  const place = findRepository(cwd, closed);
  if (place === null) return null;
  const closedPaths = createClosedPaths(closed, await realpath(cwd));
  return withView(place, signal, async (view) => {
    const { stdout } = await view.inTree(STATUS, { maxStdoutBytes: MAX_STATUS_BYTES }, 'own');
    const lines = toRawPaths(stdout);
    const changes = lines.flatMap(toChange).filter(({ path }) => !isClosed(path, place.root, closedPaths));
    const shown = changes.slice(0, SHOWN_CHANGES).map(({ kind, path }) => ({ kind, path: toShownPath(path) }));
    const head = headerOf(lines, 'branch.oid');
    const branch = headerOf(lines, 'branch.head');
    return {
      branch: branch === '(detached)' ? null : branch,
      head: head === '(initial)' ? null : head,
      changes: shown,
      more: changes.length - shown.length,
    };
  });
}

function headerOf(lines: readonly string[], name: string): string | null {
  const start = `# ${name} `;
  const line = lines.find((one) => one.startsWith(start));
  return line === undefined ? null : toShownPath(line.slice(start.length));
}

/** The path is the last of as many words as its kind of line has: itself, it may contain spaces. */
const WORDS_BEFORE: Record<string, number> = { '1': 8, u: 10, '?': 1 };

function toChange(line: string): { kind: string; path: string }[] {
  const words = line.split(' ');
  const before = WORDS_BEFORE[words[0] ?? ''];
  if (before === undefined) return [];
  return [{ kind: words[0] === '?' ? '??' : (words[1] ?? ''), path: words.slice(before).join(' ') }];
}
