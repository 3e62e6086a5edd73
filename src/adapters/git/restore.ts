/**
 * Brings the files below a folder back to a snapshot. Index, HEAD and stash stay as they are. Every step looks at what is
 * there and does what is missing, so that a second run ends what a first one began.
 */
import { rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../../../activities/failures.ts';
import type { Restored } from '../../../activities/ports.ts';
import { fromRawPaths, type RawPath, toRawPaths } from './git-process.ts';
import { isWithin, listPaths, toFileName } from './left-out.ts';
import { type GitBeside, findRepository, withOwnIndex } from './repository.ts';
import { readSnapshot, type SnapshotFacts } from './snapshot.ts';

export async function restoreSnapshot(cwd: string, commit: string, signal: AbortSignal): Promise<Restored> {
  const repository = await findRepository(cwd, signal);
  if (repository === null) throw missing(commit, cwd, 'it is no git repository any more');
  return withOwnIndex(repository, signal, async (git) => {
    const facts = await readSnapshot(git, commit);
    if (facts === null) throw missing(commit, cwd, 'the repository does not have it any more');
    await git(['read-tree', '--reset', commit]);
    await git(['update-index', '-q', '--refresh'], { answers: [0, 1] });
    const { changed, submodules } = await listChanged(git);
    if (changed.length > 0) {
      await git(['checkout-index', '--force', '--quiet', '-z', '--stdin'], { input: fromRawPaths(changed) });
    }
    const { deleted, repositories } = await deleteNew(cwd, git, facts, signal);
    const notUndone = [
      ...toHeadRemark(facts.head, repository.head),
      ...toRemark('Submodules that moved keep their place', submodules),
      ...toRemark('New repositories within this one are not deleted', repositories),
      ...toRemark('Not in the snapshot, so left as it is', facts.leftOut),
    ];
    return { restored: changed.length, deleted, notUndone };
  });
}

function missing(commit: string, cwd: string, why: string): Failure {
  return new Failure('snapshotMissing', `Snapshot ${commit} of ${cwd} cannot be restored: ${why}.`, {
    details: { path: cwd, commit },
  });
}

const GITLINK = '160000';

/** What differs from the snapshot, now in the index. Submodules are told apart: their files are their own business. */
async function listChanged(git: GitBeside): Promise<{ changed: RawPath[]; submodules: RawPath[] }> {
  const { stdout } = await git(['diff-files', '--raw', '-z', '--relative', '--ignore-submodules=dirty', '--', '.']);
  const fields = toRawPaths(stdout);
  const changed = new Set<RawPath>();
  const submodules = new Set<RawPath>();
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [mode = ''] = (fields[at] ?? '').slice(1).split(' ');
    (mode === GITLINK ? submodules : changed).add(fields[at + 1] ?? '');
  }
  return { changed: [...changed], submodules: [...submodules] };
}

/**
 * Deletes what is neither in the snapshot, nor ignored, nor was left out. Files with rules of what is ignored come first:
 * the rules of then decide about the rest.
 */
async function deleteNew(
  cwd: string,
  git: GitBeside,
  { leftOut }: SnapshotFacts,
  signal: AbortSignal,
): Promise<{ deleted: number; repositories: RawPath[] }> {
  const spared = new Set(leftOut);
  const list = async () => {
    const { stdout } = await git(['ls-files', '--others', '--exclude-standard', '-z']);
    return toRawPaths(stdout).filter((path) => !isWithin(path, spared));
  };
  let found = await list();
  const rules = found.filter((path) => path === '.gitignore' || path.endsWith('/.gitignore'));
  await deleteFiles(cwd, rules, signal);
  if (rules.length > 0) found = await list();
  const files = found.filter((path) => !path.endsWith('/'));
  await deleteFiles(cwd, files, signal);
  return { deleted: rules.length + files.length, repositories: found.filter((path) => path.endsWith('/')) };
}

async function deleteFiles(cwd: string, paths: readonly RawPath[], signal: AbortSignal): Promise<void> {
  for (const path of paths) {
    signal.throwIfAborted();
    await unless(unlink(toFileName(cwd, path)), GONE);
  }
  const folders = new Set(paths.flatMap(foldersAround));
  const deepestFirst = [...folders].sort((a, b) => b.split('/').length - a.split('/').length);
  for (const folder of deepestFirst) await unless(rmdir(toFileName(cwd, folder)), KEPT);
}

function foldersAround(path: RawPath): RawPath[] {
  const folders: RawPath[] = [];
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.push(folder);
  return folders;
}

/** Somebody else was quicker. */
const GONE = ['ENOENT', 'ENOTDIR'];
/** A folder that is not empty stays. */
const KEPT = [...GONE, 'ENOTEMPTY', 'EEXIST', 'EBUSY'];

async function unless(deed: Promise<void>, codes: readonly string[]): Promise<void> {
  try {
    await deed;
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!codes.includes(code))
      throw new Failure('gitFailed', `A file could not be deleted: ${message}`, { cause: error });
  }
}

function toHeadRemark(before: string | null, now: string | null): string[] {
  if (before === now) return [];
  const name = (commit: string | null) => (commit === null ? 'no commit' : commit.slice(0, 12));
  return [
    `HEAD stays at ${name(now)}; it was at ${name(before)} when the turn began. Commits and branches are not undone.`,
  ];
}

function toRemark(what: string, paths: readonly RawPath[]): string[] {
  return paths.length === 0 ? [] : [`${what}: ${listPaths(paths)}`];
}
