/**
 * The parts of a workspace's repositories other than checked-out files: references, index, settings, hooks. An undo
 * does not change them. A snapshot stores a short digest of each part, so that the undo can list the changes of a turn.
 *
 * All of it is read as data, through folders that are opened without following links; no git runs. A command may have
 * written any name and content.
 */
import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { readIndex } from './index-file.ts';
import { OpenTree, nameOf } from '../process/open-tree.ts';
import type { RawPath } from '../process/git-process.ts';
import { type LooseRef, listLooseRefs, parsePackedRefs, readSmall } from './ref-files.ts';
import { toRaw } from './repository-data.ts';
import { type ClosedFolders, type WorkTreePlace, findRepository, repositoryAt } from './repository-place.ts';
import { toRealPath } from '../../shell/sandbox/mounts.ts';
import type { Slices } from '../process/slices.ts';

/**
 * A digest for each existing part, by its path in `.git`. References have their beginning (`refs/heads/main`: 12
 * digits), many of one kind are one part (`refs/tags/`). `''` is the `.git` itself. Two parts grow in normal work, so only
 * losses count: `objects` has the names of packs and of folders of loose objects, `logs/HEAD` the size of that log.
 */
export type RepositoryState = Record<RawPath, string>;

/** By the folder of the repository, relative to the workspace and with a slash at its end: `''`, `sub/`, `../`. */
export type RepositoryStates = Record<RawPath, RepositoryState>;

/** Further repositories of a workspace are ignored. */
export const MAX_REPOSITORIES = 100;
/** References of one kind that are stored individually. */
const MAX_REFS = 200;
const MAX_HOOKS = 200;
const CONTENT_BYTES = 1024 * 1024;
const PACKED_REFS_BYTES = 16 * 1024 * 1024;

/** The parts of a work tree. */
const OF_GIT_DIR = [
  ...['HEAD', 'config.worktree', 'info/sparse-checkout'],
  ...['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'BISECT_LOG', 'rebase-merge', 'rebase-apply', 'sequencer'],
];
/** The parts that work trees share. */
const OF_COMMON_DIR = [
  ...['config', 'info/attributes', 'info/exclude', 'info/grafts', 'objects/info/alternates', 'shallow'],
  'reftable/tables.list',
];

/** @param repositories folders below the workspace with a `.git`, each with a slash at its end. */
export async function readRepositoryStates(
  folder: string,
  repositories: readonly RawPath[],
  closed: ClosedFolders,
  slices: Slices,
): Promise<RepositoryStates> {
  const states = nothing<RepositoryState>();
  const around = findRepository(folder, closed, 'index');
  if (around !== null) {
    const up = toRaw(relative(folder, around.root));
    states[up === '' ? '' : `${up}/`] = await readRepositoryState(around, slices);
  }
  for (const at of repositories.slice(0, MAX_REPOSITORIES)) {
    if (at in states) continue;
    const place = repositoryAt(join(folder, Buffer.from(at, 'latin1').toString()), closed, 'index');
    if (place !== null) states[at] = await readRepositoryState(place, slices);
    await slices.rest();
  }
  return states;
}

function nothing<T>(): Record<RawPath, T> {
  return Object.create(null) as Record<RawPath, T>;
}

async function readRepositoryState(place: WorkTreePlace, slices: Slices): Promise<RepositoryState> {
  const state = nothing<string>();
  await inTree(place.root, async (tree) => {
    const digest = await digestOf(tree, '.git');
    if (digest !== null) state[''] = digest;
  });
  await inTree(place.gitDir, async (tree) => {
    await addParts(state, tree, OF_GIT_DIR);
    const log = await (await tree.folderOf('logs/HEAD'))?.lstat(nameOf('HEAD'));
    if (log?.isFile() === true) state['logs/HEAD'] = String(log.size);
  });
  await inTree(place.commonDir, async (tree) => {
    await addParts(state, tree, OF_COMMON_DIR);
    await addParts(state, tree, await namesIn(tree, 'hooks/'));
    await addParts(state, tree, await namesIn(tree, 'worktrees/'));
    await addRefs(state, tree, slices);
    const objects = await namesOfObjects(tree);
    if (objects.length > 0) state['objects'] = objects.join(' ');
  });
  const { digest } = await readIndex(place.gitDir, place.objectFormat === 'sha256' ? 32 : 20, slices);
  if (digest !== '') state['index'] = digest;
  return state;
}

/** A folder that is gone by now, or that cannot be entered, has no parts. */
async function inTree(folder: string, read: (tree: OpenTree) => Promise<void>): Promise<void> {
  const real = toRealPath(folder);
  const tree = real === undefined ? null : await OpenTree.open(real).catch(() => null);
  if (tree === null) return;
  try {
    await read(tree);
  } finally {
    await tree.close();
  }
}

async function addParts(state: RepositoryState, tree: OpenTree, paths: readonly RawPath[]): Promise<void> {
  for (const path of paths) await addPart(state, tree, path);
}

async function addPart(state: RepositoryState, tree: OpenTree, path: RawPath): Promise<void> {
  const digest = await digestOf(tree, path);
  if (digest === FOLDER) state[path] = `${FOLDER} ${toDigest((await digestsIn(tree, `${path}/`)).join('\n'))}`;
  else if (digest !== null) state[path] = digest;
}

const FOLDER = 'folder';

/** Null if nothing is there. Of a folder only that it is one. */
async function digestOf(tree: OpenTree, path: RawPath): Promise<string | null> {
  return readDigest(tree, path).catch(() => 'unreadable');
}

async function readDigest(tree: OpenTree, path: RawPath): Promise<string | null> {
  const folder = await tree.folderOf(path);
  const name = nameOf(path);
  const stats = await folder?.lstat(name);
  if (folder === null || stats === undefined) return null;
  if (stats.isDirectory()) return FOLDER;
  if (stats.isSymbolicLink()) return `link ${toDigest(await folder.readlink(name))}`;
  if (!stats.isFile()) return 'other';
  const mode = (stats.mode & 0o111) === 0 ? '' : 'x ';
  if (stats.size > CONTENT_BYTES) return `${mode}${stats.size} ${stats.ctimeMs}`;
  return `${mode}${toDigest(await folder.read(name, CONTENT_BYTES))}`;
}

/** Files that git writes in passing, which no undo is about. */
const IN_PASSING = /(^|\/)(index|logs|ORIG_HEAD|FETCH_HEAD|COMMIT_EDITMSG|[^/]*\.lock)$/;
/** Entries of one folder with all that it contains; further ones are ignored. */
const MAX_ENTRIES = 500;

async function digestsIn(tree: OpenTree, folder: RawPath): Promise<string[]> {
  const digests: string[] = [];
  const pending = [folder];
  for (let at = pending.shift(); at !== undefined; at = pending.shift()) {
    for (const path of await namesIn(tree, at)) {
      if (IN_PASSING.test(path)) continue;
      if (digests.length === MAX_ENTRIES) return digests;
      const digest = await digestOf(tree, path);
      digests.push(`${path} ${digest ?? ''}`);
      if (digest === FOLDER) pending.push(`${path}/`);
    }
  }
  return digests;
}

function toDigest(content: Buffer | string): string {
  return createHash('sha1').update(content).digest('hex').slice(0, 12);
}

/** Without the examples that git puts there, which it never runs. */
async function namesIn(tree: OpenTree, at: RawPath): Promise<RawPath[]> {
  const names = (await (await tree.folderOf(at))?.list().catch(() => [])) ?? [];
  const raw = names.map((name) => name.toString('latin1')).filter((name) => !name.endsWith('.sample'));
  return raw
    .sort()
    .slice(0, MAX_HOOKS)
    .map((name) => at + name);
}

/** Packs that are remembered. */
const MAX_PACKS = 1_000;

/** Two folders are read, not each object. */
async function namesOfObjects(tree: OpenTree): Promise<string[]> {
  const namesAt = async (at: RawPath) =>
    ((await (await tree.folderOf(at))?.list().catch(() => [])) ?? []).map((name) => name.toString('latin1')).sort();
  const packs = (await namesAt('objects/pack/')).flatMap(
    (name) => /^pack-([0-9a-f]{12})\w*\.pack$/.exec(name)?.[1] ?? [],
  );
  const loose = (await namesAt('objects/')).filter((name) => /^[0-9a-f]{2}$/.test(name));
  return [...packs.slice(0, MAX_PACKS), ...loose];
}

/** Whether a part differs. Of those that grow in normal work, whether something is missing. */
export function isChanged(part: RawPath, was: string | undefined, became: string | undefined): boolean {
  if (part === 'logs/HEAD') return was !== undefined && Number(became ?? 0) < Number(was);
  if (part !== 'objects') return was !== became;
  const left = new Set(became?.split(' '));
  return was?.split(' ').some((name) => !left.has(name)) ?? false;
}

// ------------------------------------------------------------------------------------------------------------ references

async function addRefs(state: RepositoryState, tree: OpenTree, slices: Slices): Promise<void> {
  const root = await tree.folderOf('packed-refs');
  const packed = root === null ? null : await readSmall(root, Buffer.from('packed-refs'), PACKED_REFS_BYTES);
  const refs = new Map(parsePackedRefs(packed ?? Buffer.alloc(0)).map(toPair));
  for (const [name, value] of (await listLooseRefs(tree, slices)).map(toPair)) refs.set(name, value);
  const log = await readStashLog(tree);
  if (log !== null) refs.set('refs/stash', `${refs.get('refs/stash') ?? ''} ${log}`);
  for (const [kind, own] of byKind(refs)) {
    if (own.length > MAX_REFS) state[kind] = toGroupDigest(own);
    else for (const [name, value] of own) state[name] = value;
  }
}

function toPair({ name, value }: LooseRef): [RawPath, string] {
  return [name, /^[0-9a-f]{40,64}$/.test(value) ? value.slice(0, 12) : `~${toDigest(Buffer.from(value, 'latin1'))}`];
}

/** Only the log of the stash has all but its newest entry. */
async function readStashLog(tree: OpenTree): Promise<string | null> {
  return readDigest(tree, 'logs/refs/stash').catch(() => null);
}

function byKind(refs: ReadonlyMap<RawPath, string>): Map<RawPath, [RawPath, string][]> {
  const kinds = new Map<RawPath, [RawPath, string][]>();
  for (const one of [...refs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const kind = toKind(one[0]);
    const own = kinds.get(kind) ?? [];
    own.push(one);
    kinds.set(kind, own);
  }
  return kinds;
}

/** A reference counts as one of the first matching kind. */
const KINDS = ['refs/heads/', 'refs/tags/', 'refs/remotes/'];

export function toKind(name: RawPath): RawPath {
  return KINDS.find((kind) => name.startsWith(kind)) ?? 'refs/';
}

function toGroupDigest(refs: readonly (readonly [RawPath, string])[]): string {
  return toDigest(Buffer.from(refs.map(([name, value]) => `${value} ${name}\n`).join(''), 'latin1'));
}

/** The digest of all references of one kind, from a state that stores them individually. */
export function toKindDigest(state: RepositoryState, kind: RawPath): string | undefined {
  if (kind in state) return state[kind];
  const own = Object.entries(state).filter(([part]) => part.startsWith('refs/') && toKind(part) === kind);
  return own.length === 0 ? undefined : toGroupDigest(own);
}
