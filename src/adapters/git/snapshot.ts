/**
 * The work tree as a commit that no branch knows of. What stands in the way of an exact copy (what was left out) is said in
 * the commit's own message, so that whoever restores it knows what it does not speak of.
 */
import type { Snapshot } from '../../../activities/ports.ts';
import { fromRawPaths, type RawPath, toRawPaths } from './git-process.ts';
import { listPaths, sortUntracked } from './left-out.ts';
import { type GitBeside, findRepository, withOwnIndex } from './repository.ts';

const TITLE = 'Bobbin snapshot';

export async function takeSnapshot(cwd: string, signal: AbortSignal): Promise<Snapshot> {
  const repository = await findRepository(cwd, signal);
  if (repository === null) return { status: 'skipped', reason: `${cwd} is not in the work tree of a git repository.` };
  return withOwnIndex(repository, signal, async (git) => {
    const unread = await takeTracked(git);
    const sorted = await sortUntracked(cwd, ...(await listUntracked(git)));
    if (sorted.kept.length > 0) {
      // What has gone since it was listed is no reason to fail: `--remove`.
      const add = ['update-index', '--add', '--remove', '--replace', '-z', '--stdin'];
      await git(add, { input: fromRawPaths(sorted.kept) });
    }
    const tree = (await git(['write-tree'])).stdout.toString().trim();
    const message = toMessage([...unread, ...sorted.leftOut]);
    const parents = repository.head === null ? [] : ['-p', repository.head];
    const commit = await git(['commit-tree', tree, ...parents, '-F', '-'], { input: message });
    return {
      status: 'taken',
      commit: commit.stdout.toString().trim(),
      warnings: [...toWarnings(unread), ...sorted.warnings],
    };
  });
}

/** Takes what has changed of the tracked files, and gives those that could not be read and so are not in it. */
async function takeTracked(git: GitBeside): Promise<RawPath[]> {
  const { code } = await git(['add', '--update', '--ignore-errors', '--', '.'], { answers: [0, 1] });
  if (code === 0) return [];
  const changed = ['diff-files', '--name-only', '-z', '--relative', '--ignore-submodules=all', '--', '.'];
  const unread = toRawPaths((await git(changed)).stdout);
  await git(['update-index', '--force-remove', '-z', '--stdin'], { input: fromRawPaths(unread) });
  return unread;
}

function toWarnings(unread: readonly RawPath[]): string[] {
  return unread.length === 0 ? [] : [`Not in the snapshot, tracked files that cannot be read: ${listPaths(unread)}`];
}

/** Every untracked file that is not ignored, and the untracked folders that lie in folders with tracked files. */
async function listUntracked(git: GitBeside): Promise<[RawPath[], RawPath[]]> {
  const list = ['ls-files', '--others', '--exclude-standard', '-z'];
  const files = toRawPaths((await git(list)).stdout);
  if (!files.some((path) => path.includes('/'))) return [files, []];
  const top = toRawPaths((await git([...list, '--directory'])).stdout);
  return [files, top.filter((path) => path.endsWith('/') && path !== './')];
}

interface Facts {
  leftOut: RawPath[];
}

function toMessage(leftOut: RawPath[]): string {
  return `${TITLE}\n\n${JSON.stringify({ leftOut } satisfies Facts)}\n`;
}

export interface SnapshotFacts extends Facts {
  /** What was checked out when it was taken; null where there was no commit yet. */
  head: string | null;
}

/** Null where there is no such snapshot. */
export async function readSnapshot(git: GitBeside, commit: string): Promise<SnapshotFacts | null> {
  const { code, stdout } = await git(['cat-file', 'commit', commit], { answers: [0, 1, 128] });
  if (code !== 0) return null;
  const text = stdout.toString();
  const end = text.indexOf('\n\n');
  const [title, , facts = ''] = text.slice(end + 2).split('\n');
  if (title !== TITLE) return null;
  const parent = /^parent (\w+)$/m.exec(text.slice(0, end))?.[1] ?? null;
  return { ...(JSON.parse(facts) as Facts), head: parent };
}
