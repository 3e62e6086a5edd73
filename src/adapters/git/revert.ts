/**
 * Takes back what changed between two snapshots, and nothing else. A path that is now as it was after the change goes back
 * to how it was before; text that was changed since is merged; anything else that was changed since stays.
 *
 * Each path is looked at when its turn has come, and what is there is compared, never what was there earlier. So a second
 * run ends what a first one began, with the same outcome for every path.
 */
import { Failure } from '../../../activities/failures.ts';
import type { RevertedPath } from '../../../activities/ports.ts';
import type { ClosedPaths } from '../files/closed-paths.ts';
import type { SafeFolder } from '../files/safe-folder.ts';
import { type RawPath, toShownPath } from './git-process.ts';
import { isClosed, isWithin } from './left-out.ts';
import { mergeTexts } from './merge-texts.ts';
import { foldersOf } from './repository-data.ts';
import { mayPass } from './passing-errors.ts';
import { type FileState, OpenTree, nameOf, readState } from './open-tree.ts';
import { toBlobId, toKind } from './snapshot.ts';
import type { StoreGit } from './snapshot-store.ts';

/**
 * How a path is in a snapshot; null if it is not in it. Earlier releases did not keep the permissions (`mode` is null), and
 * kept files as their repository's filters made them (`isFiltered`).
 */
export type Side = { kind: string; id: string; mode: number | null; isFiltered?: boolean } | null;

export interface Difference {
  path: RawPath;
  before: Side;
  after: Side;
}

export interface RevertOptions {
  /** Absolute, without links. */
  folder: string;
  git: StoreGit;
  /** Objects of another repository that the sides may be in. */
  objects?: string;
  /** Says what would be done, and changes nothing. */
  preview: boolean;
  /** Folders with a slash at their end. */
  folders?: {
    /** Permissions before the change, other than 755. */
    modes: ReadonlyMap<RawPath, number>;
    /** Those that were empty before the change. */
    empty: readonly RawPath[];
    /** Those that the change left empty. */
    leftEmpty: readonly RawPath[];
  };
  /**
   * Set where it is not known how the change left the paths: what was changed from this time on, in milliseconds since the
   * epoch, is somebody else's.
   */
  since?: number;
  /** What is neither read nor written. */
  closed: Pick<ClosedPaths, 'has'>;
}

export async function revert(
  differences: readonly Difference[],
  options: RevertOptions,
  signal: AbortSignal,
): Promise<RevertedPath[]> {
  const tree = await OpenTree.open(options.folder, options.folders?.modes);
  try {
    const outcomes = new Map<RawPath, RevertedPath>();
    // What goes makes room: a file may have been where a folder is to come.
    const deletions = differences.filter(({ before }) => before === null);
    const writes = differences.filter(({ before }) => before !== null);
    const contents = new Contents(options, writes);
    const gone = new Set<RawPath>();
    const wereThere = foldersBefore(writes, options);
    const isSince = await whatIsSince(tree, differences, options);
    for (const difference of [...deletions, ...writes]) {
      signal.throwIfAborted();
      const reverted = isClosed(difference.path, options.folder, options.closed)
        ? kept(difference.path, 'it is closed to commands')
        : await revertPath(tree, difference, { contents, gone, isSince, wereThere, preview: options.preview });
      if (reverted.outcome === 'deleted') gone.add(difference.path);
      outcomes.set(difference.path, reverted);
    }
    if (!options.preview) await revertFolders(tree, wereThere, options);
    return differences.flatMap(({ path }) => outcomes.get(path) ?? []);
  } finally {
    await tree.close();
  }
}

function kept(path: RawPath, reason: string): RevertedPath {
  return { path: toShownPath(path), outcome: 'kept', reason };
}

// -------------------------------------------------------------------------------------------------------------- one path

type Plan =
  | { type: 'nothing'; outcome: 'restored' | 'deleted' | 'merged' }
  | { type: 'delete' }
  | { type: 'write'; outcome: 'restored' | 'merged'; kind: string; mode: number | null; content: Buffer }
  | { type: 'keep'; reason: string };

interface Progress {
  contents: Contents;
  /** Paths that are deleted, or would be. */
  gone: ReadonlySet<RawPath>;
  isSince: (path: RawPath, now: FileState) => boolean;
  wereThere: ReadonlySet<RawPath>;
  preview: boolean;
}

async function revertPath(
  tree: OpenTree,
  { path, before: asItWas, after }: Difference,
  { contents, gone, isSince, wereThere, preview }: Progress,
): Promise<RevertedPath> {
  const shown = toShownPath(path);
  const before = withoutSpecialBits(asItWas);
  const folder = await tree.folderOf(path);
  const found =
    folder === null ? await whyNoFolder(tree, path, before !== null) : await readState(folder, nameOf(path));
  const isInTheWay = found.type === 'folder' || found.type === 'other';
  const makesRoom = preview && isInTheWay && (await wouldBeGone(tree, path, gone));
  const now: FileState = makesRoom ? { type: 'missing' } : found;
  const plan = await choose(now, before, after, contents);
  if (plan.type === 'keep') return kept(path, plan.reason);
  if (plan.type === 'nothing') return { path: shown, outcome: plan.outcome };
  if (isSince(path, now)) return kept(path, SINCE);
  if (preview) return { path: shown, outcome: plan.type === 'delete' ? 'deleted' : plan.outcome };
  try {
    if (plan.type === 'delete') {
      await folder?.unlink(nameOf(path));
      await removeEmpty(tree, path, wereThere);
      return { path: shown, outcome: 'deleted' };
    }
    const place = folder ?? (await tree.folderOf(path, { create: true }));
    if (place === null) return kept(path, 'a folder on its way is now something else');
    await write(place, nameOf(path), now, plan);
    return { path: shown, outcome: plan.outcome };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || mayPass(code)) throw error;
    return kept(path, `it could not be written (${code})`);
  }
}

/** A program that runs as its owner was made so by somebody who might; an undo makes none. */
function withoutSpecialBits(side: Side): Side {
  return side === null || side.mode === null ? side : { ...side, mode: side.mode & 0o777 };
}

const SINCE = 'it was changed after the turn, or that cannot be told';

/**
 * Asked where it is not known how the change left the paths. Times of change cannot be set by hand; what was moved to a new
 * folder shows it by that one alone. They are looked at before anything is changed here.
 */
async function whatIsSince(
  tree: OpenTree,
  differences: readonly Difference[],
  { since }: RevertOptions,
): Promise<Progress['isSince']> {
  if (since === undefined) return () => false;
  const wereThere = new Set(differences.flatMap(({ path, before }) => (before === null ? [] : foldersOf(path))));
  const made = new Set(differences.flatMap(({ path, before }) => (before === null ? foldersOf(path) : [])));
  const moved = new Set<RawPath>();
  for (const folder of made) {
    if (wereThere.has(folder)) continue;
    const path = folder.slice(0, -1);
    const stats = await (await tree.folderOf(path))?.lstat(nameOf(path));
    if (stats === undefined || stats.ctimeMs >= since) moved.add(folder);
  }
  return (path, now) => 'stats' in now && (now.stats.ctimeMs >= since || isWithin(path, moved));
}

/** Whether what is in the place of a file is a folder of files that would be deleted, or such a file. */
async function wouldBeGone(tree: OpenTree, path: RawPath, gone: ReadonlySet<RawPath>): Promise<boolean> {
  if (foldersOf(path).some((around) => gone.has(around.slice(0, -1)))) return true;
  const folder = await tree.folderOf(`${path}/`);
  if (folder === null) return false;
  const names = await folder.list();
  for (const name of names) {
    const inside = `${path}/${name.toString('latin1')}`;
    if (!gone.has(inside) && !(await wouldBeGone(tree, inside, gone))) return false;
  }
  return names.length > 0;
}

/** Nothing is there, unless something else is in the place of a folder. */
async function whyNoFolder(tree: OpenTree, path: RawPath, isWanted: boolean): Promise<FileState> {
  const folders = path.split('/').slice(0, -1);
  for (let depth = 1; depth <= folders.length; depth++) {
    const at = folders.slice(0, depth).join('/');
    const around = await tree.folderOf(at);
    if (around === null) return { type: 'missing' };
    const state = await readState(around, nameOf(at));
    if (state.type === 'missing') return state;
    // Below a file is nothing, and nothing can be.
    if (state.type !== 'folder') return isWanted ? { type: 'other' } : { type: 'missing' };
  }
  return { type: 'unreadable' };
}

async function choose(now: FileState, before: Side, after: Side, contents: Contents): Promise<Plan> {
  if (now.type === 'unreadable') return { type: 'keep', reason: 'it cannot be read' };
  if (now.type === 'folder' && before === null) return { type: 'nothing', outcome: 'deleted' };
  if (now.type === 'folder') return { type: 'keep', reason: 'a folder is in its place' };
  if (now.type === 'other') return { type: 'keep', reason: 'something that is no file is in its place' };
  const side = toSide(now);
  if (isSame(side, before)) return { type: 'nothing', outcome: before === null ? 'deleted' : 'restored' };
  if (isSame(side, after)) {
    if (before === null) return { type: 'delete' };
    const content = await contents.of(before.id);
    const complaint = before.isFiltered === true ? complainOfFilter(now, content) : null;
    if (complaint !== null) return complaint;
    return { type: 'write', outcome: 'restored', kind: before.kind, mode: before.mode, content };
  }
  if (now.type === 'missing' || side === null) return { type: 'keep', reason: 'it was deleted since' };
  if (after === null) return { type: 'keep', reason: 'it was made anew since' };
  if (before === null) return { type: 'keep', reason: 'it was changed since' };
  if (now.type === 'link' || isLink(before) || isLink(after)) return { type: 'keep', reason: 'it was changed since' };
  if (side.mode !== after.mode) return { type: 'keep', reason: 'its permissions were changed since' };
  return merge(now.content, before, after, contents);
}

/** The bytes that were on disk are not known: line endings may differ, and Git LFS keeps a pointer alone. */
function complainOfFilter(now: FileState, content: Buffer): Plan | null {
  const text = (bytes: Buffer) => bytes.toString('latin1').replaceAll('\r\n', '\n');
  if (content.subarray(0, 200).toString('latin1').startsWith('version https://git-lfs.github.com/'))
    return { type: 'keep', reason: 'its snapshot has a pointer of Git LFS and no content' };
  const same = now.type === 'file' && text(now.content) === text(content);
  return same ? { type: 'nothing', outcome: 'restored' } : null;
}

async function merge(
  ours: Buffer,
  before: NonNullable<Side>,
  after: NonNullable<Side>,
  contents: Contents,
): Promise<Plan> {
  if (before.id === after.id) return { type: 'keep', reason: 'its content was changed since' };
  const [base, theirs] = [await contents.of(after.id), await contents.of(before.id)];
  const content = await mergeTexts({ ours, base, theirs });
  if (content === 'binary') return { type: 'keep', reason: 'it was changed since, and is not text' };
  if (content === 'conflict') return { type: 'keep', reason: 'it was changed since in the same place' };
  if (content.equals(ours) && before.mode === after.mode) return { type: 'nothing', outcome: 'merged' };
  return { type: 'write', outcome: 'merged', kind: before.kind, mode: before.mode, content };
}

function isLink(side: NonNullable<Side>): boolean {
  return side.kind === '120000';
}

function toSide(state: Extract<FileState, { type: 'file' | 'link' | 'missing' }>): Side {
  if (state.type === 'missing') return null;
  const { content, stats, type } = state;
  const kind = toKind(type, stats.mode);
  return { kind, id: toBlobId(content), mode: kind === '120000' ? 0 : stats.mode & 0o7777 };
}

function isSame(one: Side, other: Side): boolean {
  if (one === null || other === null) return one === other;
  const sameMode = one.mode === null || other.mode === null || one.mode === other.mode;
  return one.kind === other.kind && one.id === other.id && sameMode;
}

async function write(
  folder: SafeFolder,
  name: Buffer,
  now: FileState,
  { kind, mode, content }: Extract<Plan, { type: 'write' }>,
): Promise<void> {
  if (kind === '120000') {
    if (now.type !== 'missing') await folder.unlink(name);
    await folder.symlink(content, name);
    return;
  }
  const { uid, gid } = now.type === 'file' ? now.stats : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await folder.write(name, content, { like: { mode: mode ?? toMode(kind, now), uid, gid } });
}

function toMode(kind: string, now: FileState): number {
  const isExecutable = kind === '100755';
  if (now.type !== 'file') return isExecutable ? 0o755 : 0o644;
  return isExecutable ? now.stats.mode | 0o111 : now.stats.mode & ~0o111;
}

function foldersBefore(writes: readonly Difference[], { folders }: RevertOptions): Set<RawPath> {
  const empty = folders?.empty ?? [];
  return new Set([...writes.flatMap(({ path }) => foldersOf(path)), ...empty.flatMap(foldersOf), ...empty]);
}

/** Empty folders that the change removed come back, and those that it made go. */
async function revertFolders(
  tree: OpenTree,
  wereThere: ReadonlySet<RawPath>,
  { folders }: RevertOptions,
): Promise<void> {
  if (folders === undefined) return;
  const left = new Set(folders.leftEmpty);
  for (const path of folders.empty) if (!left.has(path)) await tree.folderOf(path, { create: true });
  for (const path of left) if (!wereThere.has(path)) await removeEmpty(tree, path, wereThere);
}

/** Removes the folders that a deletion leaves empty, except those that were there before. */
async function removeEmpty(tree: OpenTree, path: RawPath, wereThere: ReadonlySet<RawPath>): Promise<void> {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const folder = path.slice(0, at);
    if (wereThere.has(`${folder}/`)) return;
    const around = await tree.folderOf(folder);
    try {
      await around?.rmdir(nameOf(folder));
    } catch {
      return;
    }
  }
}

// -------------------------------------------------------------------------------------------------------------- contents

/** Bytes that are held at a time. */
const AHEAD_BYTES = 32 * 1024 * 1024;

/** Contents by id. Those of the files to be written are asked for together. */
class Contents {
  readonly #options: RevertOptions;
  readonly #wanted: string[];
  #held = new Map<string, Buffer>();
  #sizes: Map<string, number> | undefined;

  constructor(options: RevertOptions, writes: readonly Difference[]) {
    this.#options = options;
    this.#wanted = [...new Set(writes.flatMap(({ before }) => (before === null ? [] : [before.id])))];
  }

  async of(id: string): Promise<Buffer> {
    const held = this.#held.get(id) ?? (await this.#fetch(id)).get(id);
    if (held === undefined) throw new Failure('gitFailed', `Object ${id} of a snapshot cannot be read.`);
    return held;
  }

  async #fetch(id: string): Promise<Map<string, Buffer>> {
    this.#sizes ??= await this.#readSizes();
    const start = this.#wanted.indexOf(id);
    const ids: string[] = [];
    let left = AHEAD_BYTES;
    for (const next of start === -1 ? [id] : this.#wanted.slice(start)) {
      left -= this.#sizes.get(next) ?? 0;
      if (left < 0 && ids.length > 0) break;
      ids.push(next);
    }
    const { stdout } = await this.#git(['cat-file', '--batch'], ids);
    this.#held = new Map(cutApart(stdout));
    return this.#held;
  }

  async #readSizes(): Promise<Map<string, number>> {
    const { stdout } = await this.#git(['cat-file', '--batch-check'], this.#wanted);
    const lines = stdout.toString('latin1').split('\n');
    return new Map(lines.flatMap((line) => toSize(line)));
  }

  #git(args: string[], ids: readonly string[]) {
    const { git, objects } = this.#options;
    const input = ids.map((id) => `${id}\n`).join('');
    return git(args, { input, ...(objects === undefined ? {} : { objects }) });
  }
}

function toSize(line: string): [string, number][] {
  const [, id, bytes] = /^(\w+) blob (\d+)$/.exec(line) ?? [];
  return id === undefined ? [] : [[id, Number(bytes)]];
}

/** Before each body stands a line that says what it is, and behind it a line break. */
function cutApart(output: Buffer): [string, Buffer][] {
  const found: [string, Buffer][] = [];
  for (let at = 0; at < output.length;) {
    const end = output.indexOf('\n', at);
    const [size] = toSize(output.toString('latin1', at, end));
    at = end + 1;
    if (size === undefined) continue;
    found.push([size[0], output.subarray(at, at + size[1])]);
    at += size[1] + 1;
  }
  return found;
}
