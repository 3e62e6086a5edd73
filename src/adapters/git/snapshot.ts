/** Takes the files of a workspace as they are on disk into its store. No git looks at the workspace. */
import { createHash, randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Snapshot } from '../../../activities/ports.ts';
import { assertWorkspace } from '../files/workspace.ts';
import { type RawPath, toRawPaths } from './git-process.ts';
import { listPaths } from './left-out.ts';
import { type FileState, OpenTree, nameOf, readState } from './open-tree.ts';
import {
  type Entry,
  type Manifest,
  type SnapshotFacts,
  type SnapshotStore,
  gitOf,
  openStore,
  readFacts,
  readManifest,
  toMessage,
  writeManifest,
} from './snapshot-store.ts';
import { type EarlierWalk, type LeftOut, type Walked, toListed, walk } from './walk.ts';

export interface SnapshotPlace {
  /** The worker's data folder, absolute. */
  directory: string;
  /** Folders of the worker that are in no snapshot, absolute. */
  apart: readonly string[];
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
    const { commit, facts } = await makeSnapshot(store, place.apart, after, signal);
    return { status: 'taken', commit, warnings: toWarnings(facts.leftOut) };
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
  apart: readonly string[],
  after: readonly string[],
  signal: AbortSignal,
): Promise<Manifest> {
  signal.throwIfAborted();
  const known = await readManifest(store);
  const since = await toEarlierWalk(store, after, known, signal);
  const startedAt = Date.now();
  const { files, ...found } = await walk(store.folder, { apart: [...apart, store.gitDir], ...since }, signal);
  const same = (path: RawPath, stats: Stats) => isAsKnown(known?.entries.get(path), stats);
  const draft: Draft = {
    entries: new Map([...files.keys()].flatMap((path) => keep(path, known?.entries.get(path)))),
    gone: [...(known?.entries.keys() ?? [])].filter((path) => !files.has(path)),
    written: [],
    ...found,
    startedAt,
  };
  const changed = [...files].flatMap(([path, stats]) => (same(path, stats) ? [] : [path]));
  if (known !== null && changed.length + draft.gone.length === 0 && isSame(toFacts(draft), known.facts)) return known;
  const manifest = await importCommit(store, known, draft, changed, signal);
  await writeManifest(store, manifest);
  return manifest;
}

function keep(path: RawPath, entry: Entry | undefined): [RawPath, Entry][] {
  return entry === undefined ? [] : [[path, entry]];
}

async function idsOf(
  store: SnapshotStore,
  commit: string,
  known: Manifest | null,
  signal: AbortSignal,
): Promise<Iterable<[RawPath, string]>> {
  if (known?.commit === commit) return [...known.entries].map(([path, { id }]) => [path, id]);
  const { stdout } = await gitOf(store, signal)(['ls-tree', '-r', '-z', commit], { answers: [0, 128] });
  return toRawPaths(stdout).map((line) => {
    const [, id = '', path = ''] = /^\d+ blob (\w+)\t([^]*)$/.exec(line) ?? [];
    return [path, id];
  });
}

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
  const paths = new Set<RawPath>();
  const rules = new Map<RawPath, string>();
  for (const commit of commits) {
    for (const [path, id] of await idsOf(store, commit, known, signal)) {
      paths.add(path);
      if (commit === first && (path === '.gitignore' || path.endsWith('/.gitignore'))) rules.set(path, id);
    }
  }
  const rulesOf = async (path: RawPath, onDisk: Buffer | null): Promise<Buffer | null> => {
    const id = rules.get(path);
    if (id === undefined) return null;
    if (onDisk !== null && toBlobId(onDisk) === id) return onDisk;
    const { code, stdout } = await git(['cat-file', 'blob', id], { answers: [0, 128] });
    return code === 0 ? stdout : null;
  };
  return { since: { paths, isLimited: facts.isLimited, rulesOf } };
}

function isAsKnown(entry: Entry | undefined, stats: Stats): boolean {
  if (entry === undefined) return false;
  const { mode, size, mtimeMs, ctimeMs, ino } = entry;
  const same = size === stats.size && mtimeMs === stats.mtimeMs && ctimeMs === stats.ctimeMs;
  return same && ino === stats.ino && mode === stats.mode;
}

// --------------------------------------------------------------------------------------------------------------- reading

/** A snapshot that is being made from the one before. */
interface Draft extends Omit<Walked, 'files'> {
  entries: Map<RawPath, Entry>;
  /** Paths of the one before that are not in it. */
  gone: RawPath[];
  /** Paths whose content or kind is another one. */
  written: RawPath[];
  startedAt: number;
}

/** Files changed within this time of being looked at may change once more without a trace in their times. */
const RACY_MS = 50;

/** Takes what was found into the draft; what has to be written of it is the answer. */
function take(draft: Draft, path: RawPath, state: FileState): Buffer[] {
  if (state.type === 'unreadable') (draft.leftOut.unreadable ??= []).push(path);
  if (state.type !== 'file' && state.type !== 'link') {
    if (draft.entries.delete(path)) draft.gone.push(path);
    return [];
  }
  const before = draft.entries.get(path);
  const entry = toEntry(state, draft.startedAt);
  draft.entries.set(path, entry);
  if (before?.id === entry.id && before.kind === entry.kind) return [];
  draft.written.push(path);
  return before?.id === entry.id ? [] : [Buffer.from(`blob\ndata ${state.content.length}\n`), state.content, NEWLINE];
}

const NEWLINE = Buffer.from('\n');
/** Files that are read side by side. */
const SIDE_BY_SIDE = 16;

async function* readAll(
  folder: string,
  paths: readonly RawPath[],
  draft: Draft,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const tree = await OpenTree.open(folder);
  try {
    for (const batch of toBatches(paths)) {
      signal.throwIfAborted();
      const within = await tree.folderOf(batch[0] ?? '');
      const states = await Promise.all(
        batch.map(async (path) => (within === null ? MISSING : readState(within, nameOf(path)))),
      );
      for (const [n, state] of states.entries()) yield* take(draft, batch[n] ?? '', state);
    }
  } finally {
    await tree.close();
  }
}

const MISSING: FileState = { type: 'missing' };

/** Paths of one folder each. */
function toBatches(paths: readonly RawPath[]): RawPath[][] {
  const batches: RawPath[][] = [];
  let folder: RawPath | undefined;
  for (const path of paths) {
    const own = path.slice(0, path.lastIndexOf('/') + 1);
    const last = batches.at(-1);
    if (last === undefined || own !== folder || last.length === SIDE_BY_SIDE) batches.push([path]);
    else last.push(path);
    folder = own;
  }
  return batches;
}

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

/** As `git fast-import` reads a path. */
function quote(path: RawPath): string {
  const escaped = path.replace(/["\\\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`));
  return `"${escaped}"`;
}

// --------------------------------------------------------------------------------------------------------------- writing

/** One process for all of it. */
async function importCommit(
  store: SnapshotStore,
  known: Manifest | null,
  draft: Draft,
  changed: readonly RawPath[],
  signal: AbortSignal,
): Promise<Manifest> {
  const ref = `refs/imports/${randomUUID()}`;
  const input = async function* (): AsyncGenerator<Buffer> {
    yield* readAll(store.folder, changed, draft, signal);
    const message = toMessage(toFacts(draft));
    yield Buffer.from(`commit ${ref}\nmark :1\ncommitter ${WHO} 0 +0000\ndata ${message.length}\n`);
    yield message;
    yield Buffer.from([...toTreeLines(known, draft), '', 'get-mark :1', 'ls :1 ""', 'done', ''].join('\n'), 'latin1');
  };
  const settings = ['-c', 'pack.compression=1', '-c', 'core.looseCompression=1'];
  const args = [...settings, 'fast-import', '--quiet', '--done', '--date-format=raw'];
  try {
    const { stdout } = await gitOf(store, signal)(args, { input: input() });
    const [, commit = '', tree = ''] = /^(\w+)\n040000 tree (\w+)/.exec(stdout.toString()) ?? [];
    return { commit, tree, facts: toFacts(draft), entries: sorted(draft.entries) };
  } finally {
    await rm(join(store.gitDir, ref), { force: true });
  }
}

const WHO = 'Bobbin <snapshot@bobbin.invalid>';

/** What is gone comes first: a file may be where a folder was. */
function toTreeLines(known: Manifest | null, { gone, written, entries }: Draft): string[] {
  const changes = written.flatMap((path) => {
    const entry = entries.get(path);
    return entry === undefined ? [] : [`M ${entry.kind} ${entry.id} ${quote(path)}`];
  });
  const before = known === null ? [] : [`M 040000 ${known.tree} ""`];
  return [...before, ...gone.map((path) => `D ${quote(path)}`), ...changes];
}

function sorted(entries: ReadonlyMap<RawPath, Entry>): Map<RawPath, Entry> {
  return new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}

// ----------------------------------------------------------------------------------------------------------------- facts

function toFacts({ leftOut, heads, ignored, repositories, isLimited, entries }: Draft): SnapshotFacts {
  return { leftOut, heads, ignored, repositories, isLimited, modes: toModes(entries) };
}

function isSame(one: SnapshotFacts, other: SnapshotFacts): boolean {
  return toMessage(one).equals(toMessage(other));
}

/** What a tree cannot say of permissions. */
function toModes(entries: ReadonlyMap<RawPath, Entry>): Record<string, RawPath[]> {
  const modes: Record<string, RawPath[]> = {};
  for (const [path, { kind, mode }] of entries) {
    const own = (mode & 0o7777).toString(8);
    if (kind !== '120000' && own !== USUAL[kind]) (modes[own] ??= []).push(path);
  }
  return modes;
}

export const USUAL: Record<string, string> = { '100644': '644', '100755': '755' };

/** Permissions of every file of a snapshot, but for the usual ones. */
export function toPermissions({ modes }: SnapshotFacts): Map<RawPath, number> {
  const pairs = Object.entries(modes).flatMap(([mode, paths]) =>
    paths.map((path): [RawPath, number] => [path, Number.parseInt(mode, 8)]),
  );
  return new Map(pairs);
}

export function toWarnings(leftOut: LeftOut): string[] {
  return toListed(leftOut).map(([words, paths]) => `Not in the snapshot, ${words}: ${listPaths(paths)}`);
}
