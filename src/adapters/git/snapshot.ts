/** Takes the files of a workspace as they are on disk into its store. No git looks at the workspace. */
import { createHash, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '../../../activities/ports.ts';
import type { SafeFolder } from '../files/safe-folder.ts';
import { assertWorkspace } from '../files/workspace.ts';
import { type RawPath, toRawPaths } from './git-process.ts';
import { MAX_IGNORE_BYTES } from './ignore-rules.ts';
import { listPaths } from './left-out.ts';
import { type FileState, OpenTree, nameOf, readState } from './open-tree.ts';
import { type Entry, type Manifest, readManifest, writeManifest } from './manifest.ts';
import { Slices } from './slices.ts';
import {
  type SnapshotFacts,
  type SnapshotStore,
  type StoreGit,
  gitOf,
  openStore,
  readFacts,
  toMessage,
} from './snapshot-store.ts';
import { type EarlierWalk, type Walked, toListed, walk } from './walk.ts';

export interface SnapshotPlace {
  /** The worker's data folder, absolute. */
  directory: string;
  /** Folders of the worker that are in no snapshot, absolute. */
  apart: readonly string[];
  /** What commands cannot read, absolute, and what is left out for that. */
  closed: readonly string[];
}

/** @param after earlier snapshots, whose paths are looked at whatever the rules say by now. */
export async function takeSnapshot(
  place: SnapshotPlace,
  cwd: string,
  after: readonly string[],
  signal: AbortSignal,
): Promise<Extract<Snapshot, { status: 'taken' }>> {
  assertWorkspace(cwd);
  const store = await openStore(place.directory, cwd);
  return oneAtATime(store.gitDir, async () => {
    const { commit, facts } = await makeSnapshot(store, place, after, signal);
    return { status: 'taken', commit, warnings: toWarnings(facts) };
  });
}

const queues = new Map<string, Promise<unknown>>();

/** Two threads on one workspace would do the same work twice. */
async function oneAtATime<T>(key: string, body: () => Promise<T>): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const own = before.then(body, body);
  const settled = own.catch(() => undefined);
  queues.set(key, settled);
  try {
    return await own;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}

async function makeSnapshot(
  store: SnapshotStore,
  { apart, closed }: SnapshotPlace,
  after: readonly string[],
  signal: AbortSignal,
): Promise<Manifest> {
  signal.throwIfAborted();
  const slices = new Slices(signal);
  const known = await readManifest(store, slices);
  const since = await toEarlierWalk(store, after, known, signal);
  const startedAt = Date.now();
  const options = { apart: [...apart, store.gitDir], closed, known: known?.entries, ...since };
  const { files, changed, ...found } = await walk(store.folder, options, slices);
  // As many files as before, none of them new, are the same files.
  const isSameSet = files.size === known?.entries.size && changed.every((path) => known.entries.has(path));
  if (
    known !== null &&
    isSameSet &&
    changed.length === 0 &&
    isSame({ ...found, modes: known.facts.modes }, known.facts)
  )
    return known;
  const draft: Draft = { entries: new Map(known?.entries), gone: [], taken: [], written: [], ...found, startedAt };
  if (!isSameSet) for (const path of known?.entries.keys() ?? []) if (!files.has(path)) remove(draft, path);
  const contents = readAll(store.folder, changed, draft, slices);
  try {
    // No git runs where nothing has to be written.
    const begun = await contents.next();
    const isSameTree = begun.done === true && draft.written.length + draft.gone.length === 0;
    const manifest =
      known !== null && isSameTree && isSame(toFacts(draft), known.facts)
        ? { ...known, entries: draft.entries }
        : await importCommit(store, known, draft, resume(begun, contents), signal);
    await writeManifest(store, manifest, { known, taken: draft.taken, gone: draft.gone }, slices);
    return manifest;
  } finally {
    await contents.return();
  }
}

/** A snapshot that is being made from the one before. */
interface Draft extends Omit<Walked, 'files' | 'changed'> {
  entries: Map<RawPath, Entry>;
  /** Paths of the one before that are not in it. */
  gone: RawPath[];
  /** Paths that were read. */
  taken: RawPath[];
  /** Those of them whose content or kind is another one. */
  written: RawPath[];
  startedAt: number;
}

function remove(draft: Draft, path: RawPath): void {
  if (draft.entries.delete(path)) draft.gone.push(path);
}

async function* resume(begun: IteratorResult<Buffer, void>, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (begun.done !== true) yield begun.value;
  yield* rest;
}

// --------------------------------------------------------------------------------------------------------------- earlier

/** @param commits the first one decides; the paths of all of them are looked at. */
async function toEarlierWalk(
  store: SnapshotStore,
  commits: readonly string[],
  known: Manifest | null,
  signal: AbortSignal,
): Promise<{ since?: EarlierWalk }> {
  const [first] = commits;
  if (first === undefined) return {};
  const git = gitOf(store, signal);
  const facts = known?.commit === first ? known.facts : await readFacts(git, first);
  if (facts === null) return {};
  const read = async (commit: string) => (known?.commit === commit ? known.entries : idsOf(git, commit));
  const all = await Promise.all(commits.map(read));
  const paths = new Set(all.flatMap((ids) => [...ids.keys()]));
  const rulesOf = async (path: RawPath, onDisk: Buffer | null): Promise<Buffer | null> => {
    const id = all[0]?.get(path)?.id;
    if (id === undefined) return null;
    if (onDisk !== null && toBlobId(onDisk) === id) return onDisk;
    const { code, stdout } = await git(['cat-file', 'blob', id], { answers: [0, 128] });
    return code === 0 ? stdout : null;
  };
  return { since: { paths, isLimited: facts.isLimited, rulesOf } };
}

async function idsOf(git: StoreGit, commit: string): Promise<ReadonlyMap<RawPath, Pick<Entry, 'id'>>> {
  const { stdout } = await git(['ls-tree', '-r', '-z', commit], { answers: [0, 128] });
  const lines = toRawPaths(stdout).map((line): [RawPath, Pick<Entry, 'id'>] => {
    const [, id = '', path = ''] = /^\d+ blob (\w+)\t([^]*)$/.exec(line) ?? [];
    return [path, { id }];
  });
  return new Map(lines);
}

// --------------------------------------------------------------------------------------------------------------- reading

/** Files changed within this time of being looked at may change once more without a trace in their times. */
const RACY_MS = 50;
/** Files up to this size are read at once: to give way to other work in between takes longer than that. */
const SMALL_BYTES = 256 * 1024;
/** What is handed to git at a time. */
const CHUNK_BYTES = 256 * 1024;

async function* readAll(
  root: string,
  paths: readonly RawPath[],
  draft: Draft,
  slices: Slices,
): AsyncGenerator<Buffer, void> {
  if (paths.length === 0) return;
  const tree = await OpenTree.open(root);
  let chunk: Buffer[] = [];
  let bytes = 0;
  try {
    for (const path of paths) {
      if (slices.isOver()) await slices.rest();
      const folder = await tree.folderOf(path);
      for (const part of take(draft, path, folder === null ? MISSING : await read(folder, path))) {
        chunk.push(part);
        bytes += part.length;
      }
      if (bytes < CHUNK_BYTES) continue;
      yield Buffer.concat(chunk);
      [chunk, bytes] = [[], 0];
    }
    if (bytes > 0) yield Buffer.concat(chunk);
  } finally {
    await tree.close();
  }
}

const MISSING: FileState = { type: 'missing' };

async function read(folder: SafeFolder, path: RawPath): Promise<FileState> {
  const name = nameOf(path);
  const small = folder.readNow(name, SMALL_BYTES);
  return small === null ? await readState(folder, name) : { type: 'file', ...small };
}

/** Takes what was found into the draft; what has to be written of it is the answer. */
function take(draft: Draft, path: RawPath, state: FileState): Buffer[] {
  if (state.type === 'unreadable') (draft.leftOut.unreadable ??= []).push(path);
  if (state.type !== 'file' && state.type !== 'link') {
    remove(draft, path);
    return [];
  }
  const before = draft.entries.get(path);
  const entry = toEntry(state, draft.startedAt);
  draft.entries.set(path, entry);
  draft.taken.push(path);
  if (before?.id === entry.id && before.kind === entry.kind) return [];
  draft.written.push(path);
  return before?.id === entry.id ? [] : [Buffer.from(`blob\ndata ${state.content.length}\n`), state.content, NEWLINE];
}

const NEWLINE = Buffer.from('\n');

function toEntry({ content, stats, type }: Extract<FileState, { content: Buffer }>, startedAt: number): Entry {
  const { mode, mtimeMs, ctimeMs, ino } = stats;
  const isRacy = Math.max(mtimeMs, ctimeMs) > startedAt - RACY_MS || stats.size !== content.length;
  return {
    kind: toKind(type, mode),
    id: toBlobId(content),
    mode,
    ...{ size: content.length, mtimeMs, ctimeMs },
    ino: isRacy && type === 'file' ? -1 : ino,
  };
}

export function toKind(type: 'file' | 'link', mode: number): string {
  if (type === 'link') return '120000';
  return (mode & 0o100) === 0 ? '100644' : '100755';
}

export function toBlobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

// --------------------------------------------------------------------------------------------------------------- writing

const WHO = 'Bobbin <snapshot@bobbin.invalid>';
/** Little is worth looking for differences in what was there before, as git would. */
const IMPORT = ['-c', 'pack.compression=1', '-c', 'core.looseCompression=1', 'fast-import', '--depth=0'];

/** One process for all of it. */
async function importCommit(
  store: SnapshotStore,
  known: Manifest | null,
  draft: Draft,
  contents: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<Manifest> {
  const ref = `refs/imports/${randomUUID()}`;
  const input = async function* (): AsyncGenerator<Buffer> {
    yield* contents;
    const message = toMessage(toFacts(draft));
    yield Buffer.from(`commit ${ref}\nmark :1\ncommitter ${WHO} 0 +0000\ndata ${message.length}\n`);
    yield message;
    for (const lines of toTreeLines(known, draft)) yield Buffer.from(lines, 'latin1');
    yield Buffer.from('\nget-mark :1\nls :1 ""\ndone\n');
  };
  const args = [...IMPORT, '--quiet', '--done', '--date-format=raw'];
  try {
    const { stdout } = await gitOf(store, signal)(args, { input: input() });
    const [, commit = '', tree = ''] = /^(\w+)\n040000 tree (\w+)/.exec(stdout.toString()) ?? [];
    return { commit, tree, facts: toFacts(draft), entries: draft.entries };
  } finally {
    await rm(join(store.gitDir, ref), { force: true });
  }
}

const PATHS_AT_A_TIME = 1_000;

/** What is gone comes first: a file may be where a folder was. */
function* toTreeLines(known: Manifest | null, { gone, written, entries }: Draft): Generator<string> {
  if (known !== null) yield `M 040000 ${known.tree} ""\n`;
  for (let at = 0; at < gone.length; at += PATHS_AT_A_TIME)
    yield toLines(gone.slice(at, at + PATHS_AT_A_TIME), (path) => `D ${quote(path)}`);
  for (let at = 0; at < written.length; at += PATHS_AT_A_TIME)
    yield toLines(written.slice(at, at + PATHS_AT_A_TIME), (path) => {
      const { kind = '', id = '' } = entries.get(path) ?? {};
      return `M ${kind} ${id} ${quote(path)}`;
    });
}

function toLines(paths: readonly RawPath[], toLine: (path: RawPath) => string): string {
  return paths.map((path) => `${toLine(path)}\n`).join('');
}

/** As `git fast-import` reads a path. */
function quote(path: RawPath): string {
  const escaped = path.replace(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
  return `"${escaped}"`;
}

// ----------------------------------------------------------------------------------------------------------------- facts

function toFacts({
  leftOut,
  heads,
  ignored,
  repositories,
  folders,
  git,
  isLimited,
  entries,
  ...more
}: Draft): SnapshotFacts {
  const { cutRules, ignoredIsCut } = more;
  const facts = { leftOut, heads, ignored, repositories, folders, git, isLimited, modes: toModes(entries) };
  return {
    ...facts,
    ...(cutRules === undefined ? {} : { cutRules }),
    ...(ignoredIsCut === undefined ? {} : { ignoredIsCut }),
  };
}

function isSame(one: SnapshotFacts, other: SnapshotFacts): boolean {
  return toMessage(one).equals(toMessage(other));
}

/** What a tree cannot say of permissions. */
function toModes(entries: ReadonlyMap<RawPath, Entry>): Record<string, RawPath[]> {
  const modes: Record<string, RawPath[]> = {};
  for (const [path, { kind, mode }] of entries) {
    const own = mode & 0o7777;
    if (kind === '120000' || own === (kind === '100755' ? 0o755 : 0o644)) continue;
    (modes[own.toString(8)] ??= []).push(path);
  }
  for (const paths of Object.values(modes)) paths.sort();
  return modes;
}

export const USUAL: Record<string, string> = { '100644': '644', '100755': '755' };

/** Permissions of the folders of a snapshot that differ from the usual ones; paths end with a slash. */
export function toFolderPermissions({ folders }: Pick<SnapshotFacts, 'folders'>): Map<RawPath, number> {
  return toPermissions({ modes: folders?.modes ?? {} });
}

/** Permissions of the files of a snapshot that differ from the usual ones. */
export function toPermissions({ modes }: Pick<SnapshotFacts, 'modes'>): Map<RawPath, number> {
  const pairs = Object.entries(modes).flatMap(([mode, paths]) =>
    paths.map((path): [RawPath, number] => [path, Number.parseInt(mode, 8)]),
  );
  return new Map(pairs);
}

export function toWarnings({ leftOut, cutRules = [] }: Pick<SnapshotFacts, 'leftOut' | 'cutRules'>): string[] {
  const cut = `Ignored is only what the first ${MAX_IGNORE_BYTES} bytes of ignore files say: ${listPaths(cutRules)}`;
  return [
    ...toListed(leftOut).map(([words, paths]) => `Not in the snapshot, ${words}: ${listPaths(paths)}`),
    ...(cutRules.length === 0 ? [] : [cut]),
  ];
}
