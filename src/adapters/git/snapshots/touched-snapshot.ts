/**
 * A snapshot after a revert: the one before it with the changes of the revert alone. So concurrent changes of others do
 * not count as the revert's, whatever snapshots were taken meanwhile.
 */
import type { RawPath } from '../process/git-process.ts';
import { OpenTree, nameOf } from '../process/open-tree.ts';
import { foldersOf } from '../repository/repository-data.ts';
import type { Known } from './compare-snapshots.ts';
import type { Entry } from './entry.ts';
import { importCommit } from './snapshot-commit.ts';
import { toModes } from './snapshot-facts.ts';
import { toBlob } from './snapshot-files.ts';
import { type SnapshotFacts, type SnapshotStore, gitOf, kindsIn, toStored } from './snapshot-store.ts';
import type { Kinds } from './usual-modes.ts';
import type { WalkedFolders } from './walked.ts';

export type TouchedState = Pick<Entry, 'kind' | 'id' | 'mode'>;

export interface TouchedPath {
  path: RawPath;
  /** Null if it is gone. */
  state: TouchedState | null;
  /** Set if the store may not have it. */
  content?: Buffer;
}

interface Touched {
  files: AsyncIterable<TouchedPath>;
  /** Of these files, and empty folders, which end with a slash. */
  paths: readonly RawPath[];
}

/** The newest snapshot of the workspace stays the same. Returns the commit. */
export async function takeTouched(
  store: SnapshotStore,
  { commit: start, facts }: Known,
  { files, paths }: Touched,
  signal: AbortSignal,
): Promise<string> {
  if (paths.length === 0) return start;
  const entries = new Map<RawPath, TouchedState>();
  const change = { gone: [] as RawPath[], written: [] as RawPath[], entries };
  const contents = async function* (): AsyncGenerator<Buffer> {
    for await (const { path, state, content } of files) {
      if (state === null) change.gone.push(path);
      else entries.set(path, state);
      if (state !== null) change.written.push(path);
      if (content !== undefined) yield* toBlob(content);
    }
  };
  const folders = facts.folders && (await lookAtFolders(store.folder, facts.folders, paths));
  const git = gitOf(store, signal);
  const before = await kindsIn(git, start);
  const { stdout } = await git(['rev-parse', '--verify', `${start}^{tree}`]);
  const parts = {
    ...{ tree: stdout.toString().trim(), change, contents: contents() },
    facts: () => toStored(toFactsAfter(facts, { ...change, folders }), () => toKindsAfter(before, change)),
  };
  return (await importCommit(store, parts, signal)).commit;
}

function toKindsAfter(before: Kinds, { gone, entries }: Pick<Changed, 'gone' | 'entries'>): Kinds {
  const kinds = new Map(before);
  for (const path of gone) kinds.delete(path);
  for (const [path, { kind }] of entries) kinds.set(path, kind);
  return kinds;
}

interface Changed {
  gone: readonly RawPath[];
  entries: ReadonlyMap<RawPath, TouchedState>;
  folders: WalkedFolders | undefined;
}

function toFactsAfter(facts: SnapshotFacts, { gone, entries, folders }: Changed): SnapshotFacts {
  const { links: linked = [], modes: known, ...others } = facts;
  const changed = new Set([...gone, ...entries.keys()]);
  const without = (paths: readonly RawPath[]) => paths.filter((path) => !changed.has(path));
  const modes = Object.fromEntries(Object.entries(known).map(([mode, paths]) => [mode, without(paths)]));
  for (const [mode, paths] of Object.entries(toModes(entries))) modes[mode] = [...(modes[mode] ?? []), ...paths].sort();
  // What a revert writes is a new file.
  const links = linked.map(without).filter((paths) => paths.length > 0);
  return {
    ...others,
    ...(folders === undefined ? {} : { folders }),
    ...(links.length === 0 ? {} : { links }),
    modes: Object.fromEntries(Object.entries(modes).filter(([, paths]) => paths.length > 0)),
  };
}

/** The known folders, updated for those that contain the paths. */
async function lookAtFolders(root: string, known: WalkedFolders, paths: readonly RawPath[]): Promise<WalkedFolders> {
  const around = new Set(paths.flatMap((path) => (path.endsWith('/') ? [...foldersOf(path), path] : foldersOf(path))));
  const others = (folders: readonly RawPath[]) => folders.filter((folder) => !around.has(folder));
  const modes = Object.entries(known.modes).map(([mode, folders]): [string, RawPath[]] => [mode, others(folders)]);
  const found = { empty: others(known.empty), modes: Object.fromEntries(modes) };
  const tree = await OpenTree.open(root);
  try {
    for (const at of around) {
      const path = at.slice(0, -1);
      const stats = await (await tree.folderOf(path))?.lstat(nameOf(path));
      if (stats?.isDirectory() !== true) continue;
      const mode = (stats.mode & 0o7777).toString(8);
      if (mode !== '755') (found.modes[mode] ??= []).push(at);
      if ((await (await tree.folderOf(at))?.list())?.length === 0) found.empty.push(at);
    }
    return found;
  } finally {
    await tree.close();
  }
}
