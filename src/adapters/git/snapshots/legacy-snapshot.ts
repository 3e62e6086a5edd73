/**
 * Snapshots of earlier releases: commits in the person's repository, below `refs/bobbin`. Their objects are read from
 * our store, so that nothing of the repository is interpreted; the only change there is the removal of references.
 */
import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type RawPath, toRawPaths } from '../process/git-process.ts';
import { toRaw } from '../repository/repository-data.ts';
import { findRepository } from '../repository/repository-place.ts';
import { type StoreGit, toRefPart } from './snapshot-store.ts';

export interface LegacySnapshot {
  /** Of the folder. */
  tree: string;
  /** The objects of the repository, absolute. */
  objects: string;
  /** Relative to the folder, like all paths here. */
  leftOut: RawPath[];
  submodules: RawPath[];
  prefixMissing: boolean;
  /** Commit that was checked out. */
  head: string | null;
}

const TITLE = 'Bobbin snapshot';
const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';

/** Null if the repository around the folder does not have it. */
export async function findLegacy(git: StoreGit, folder: string, commit: string): Promise<LegacySnapshot | null> {
  const place = findRepository(folder, []);
  if (place?.objectFormat !== 'sha1') return null;
  const objects = join(place.commonDir, 'objects');
  const { code, stdout } = await git(['cat-file', 'commit', commit], { objects, answers: [0, 1, 128] });
  if (code !== 0) return null;
  const text = stdout.toString();
  const [title, , facts = ''] = text.slice(text.indexOf('\n\n') + 2).split('\n');
  if (title !== TITLE) return null;
  const prefix = toRaw(relative(place.root, folder));
  const found = await git(['rev-parse', '--verify', '--quiet', `${commit}:${fromRaw(prefix)}`], {
    objects,
    answers: [0, 1, 128],
  });
  const tree = found.code === 0 ? found.stdout.toString().trim() : EMPTY_TREE;
  const { leftOut } = JSON.parse(facts) as { leftOut: RawPath[] };
  const submodules = found.code === 0 ? await listSubmodules(git, tree, objects) : [];
  const head = /^parent (\w+)$/m.exec(text)?.[1] ?? null;
  return { tree, objects, leftOut, submodules, prefixMissing: found.code !== 0, head };
}

async function listSubmodules(git: StoreGit, tree: string, objects: string): Promise<RawPath[]> {
  const { stdout } = await git(['ls-tree', '-r', '-z', tree], { objects });
  return toRawPaths(stdout).flatMap((line) => (line.startsWith('160000 ') ? [line.slice(line.indexOf('\t') + 1)] : []));
}

function fromRaw(path: RawPath): string {
  return Buffer.from(path, 'latin1').toString();
}

/** Removes the references of earlier releases, by their files: no git runs in the repository. */
export async function releaseLegacy(folder: string, threadId: string, names: readonly string[] | 'all'): Promise<void> {
  const place = findRepository(folder, []);
  if (place === null) return;
  const below = `refs/bobbin/${toRefPart(threadId)}`;
  const folders = names === 'all' ? [below] : names.map((name) => `${below}/${toRefPart(name)}`);
  for (const one of folders) await rm(join(place.commonDir, one), { recursive: true, force: true });
  const left = await readdir(join(place.commonDir, 'refs/bobbin')).catch(() => ['?']);
  if (left.length === 0) await rm(join(place.commonDir, 'refs/bobbin'), { recursive: true, force: true });
}
