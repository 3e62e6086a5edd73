/**
 * The differences between a commit and the files of a work tree. Runs no filter: if only a filter could decide, the
 * file counts as changed.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ClosedPaths } from '../../files/closed-paths.ts';
import { isClosed } from '../ignore/left-out.ts';
import { type RawPath, toRawPaths, toShownPath } from '../process/git-process.ts';
import { isThere } from '../../../folders/real-path.ts';
import type { RepositoryView } from './repository-view.ts';

export interface TreeChange {
  /** Git's letter: `A`, `D`, `M`, `R`, `T`. */
  kind: string;
  /** Two for a renamed file. */
  names: RawPath[];
  /** Id of the earlier content. */
  before: string;
}

/** Git would run in a submodule to look for changes in its files, and obey its configuration. */
const COMPARE = ['--raw', '-z', '--no-abbrev', '--find-renames', '--ignore-submodules=dirty'];

export async function treeChanges(view: RepositoryView, base: string): Promise<TreeChange[]> {
  const changes = toChanges(toRawPaths((await view.inTree(['diff', ...COMPARE, base, '--'])).stdout));
  const stored = await storedElsewhere(view, changes);
  if (stored.size === 0) return changes;
  const same = await Promise.all(changes.map((change) => isStored(view, change, stored.get(change.before))));
  return changes.filter((_, index) => !same[index]);
}

/**
 * Untracked files that are not ignored, without those that are closed to commands, whose names are closed, too.
 * @param paths only these, relative to the root; all if left out.
 */
export async function listUntracked(
  view: RepositoryView,
  closed: Pick<ClosedPaths, 'has'>,
  paths: readonly string[] = [],
): Promise<RawPath[]> {
  const { root } = view.place;
  const list = ['ls-files', '--others', '--exclude-standard', '-z', '--', ...paths];
  const all = toRawPaths((await view.inTree(list)).stdout);
  return root === null ? all : all.filter((path) => !isClosed(path, root, closed));
}

function toChanges(words: readonly RawPath[]): TreeChange[] {
  const found: TreeChange[] = [];
  for (let at = 0; at + 1 < words.length;) {
    const [, , before = '', , status = ''] = (words[at] ?? '').split(' ');
    const kind = status.charAt(0);
    const count = /[RC]/.test(kind) ? 2 : 1;
    found.push({ kind, names: words.slice(at + 1, at + 1 + count), before });
    at += 1 + count;
  }
  return found;
}

// ---------------------------------------------------------------------------------------------------------- git-lfs

/** Git-lfs stores files elsewhere, and a pointer in git: a hash, and a size. */
interface Stored {
  sha256: string;
  bytes: number;
}

const POINTER =
  /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize (\d+)\n$/;
const POINTER_BYTES = 1_024;
const MAX_POINTERS = 1_000;

/** By the ids of the earlier contents; empty in a repository that does not use git-lfs. */
async function storedElsewhere(view: RepositoryView, changes: readonly TreeChange[]): Promise<Map<string, Stored>> {
  if (changes.length === 0 || !isThere(join(view.place.commonDir, 'lfs'))) return new Map();
  const ids = [...new Set(changes.filter(({ kind }) => kind === 'M').map(({ before }) => before))];
  const asked = ids.map((id) => `${id}\n`).join('');
  const checked = (await view.git(['cat-file', '--batch-check'], { input: asked })).stdout.toString().split('\n');
  const small = ids.filter((_, index) => {
    const [, size] = /^\S+ blob (\d+)$/.exec(checked[index] ?? '') ?? [];
    return size !== undefined && Number(size) <= POINTER_BYTES;
  });
  const found = new Map<string, Stored>();
  for (const id of small.slice(0, MAX_POINTERS)) {
    const text = (await view.git(['cat-file', 'blob', id])).stdout.toString('latin1');
    const [, sha256, bytes] = POINTER.exec(text) ?? [];
    if (sha256 !== undefined) found.set(id, { sha256, bytes: Number(bytes) });
  }
  return found;
}

/** Whether the file on disk is the pointer's content, or the unchanged pointer itself. */
async function isStored(view: RepositoryView, change: TreeChange, stored: Stored | undefined): Promise<boolean> {
  const [name] = change.names;
  if (stored === undefined || name === undefined || change.kind !== 'M' || view.place.root === null) return false;
  const path = join(view.place.root, toShownPath(name));
  const stats = await lstat(path).catch(() => null);
  if (!stats?.isFile() || stats.size !== stored.bytes) return false;
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return false;
  const hash = createHash('sha256');
  await pipeline(file.createReadStream({ end: stored.bytes }), hash);
  return hash.digest('hex') === stored.sha256;
}
