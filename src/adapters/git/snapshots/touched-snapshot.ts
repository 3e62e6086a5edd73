/**
 * A snapshot after a revert, for which only the paths that it touched are read. That is faster, and concurrent changes
 * of others do not count as the revert's.
 */
import type { RawPath } from '../process/git-process.ts';
import { readManifest } from './manifest.ts';
import { OpenTree, nameOf } from '../process/open-tree.ts';
import { foldersOf } from '../repository/repository-data.ts';
import { Slices } from '../process/slices.ts';
import { type SnapshotPlace, oneAtATime, storeDraft, takeSnapshot } from './snapshot.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import type { WalkedFolders } from './walked.ts';

/**
 * @param before the snapshot before the revert. If another one was taken since, everything is read.
 * @param touched paths that the revert has written or removed; folders end with a slash.
 * @returns the commit.
 */
export async function takeTouched(
  place: SnapshotPlace,
  store: SnapshotStore,
  { before, touched }: { before: string; touched: readonly RawPath[] },
  signal: AbortSignal,
): Promise<string> {
  if (touched.length === 0) return before;
  const taken = await oneAtATime(store.gitDir, async () => {
    const slices = new Slices(signal);
    const known = await readManifest(store, slices);
    if (known?.commit !== before || known.facts.git === undefined) return null;
    const { folders = { empty: [], modes: {} }, git, modes: _, links: linked, ...facts } = known.facts;
    const changed = touched.filter((path) => !path.endsWith('/'));
    const changedHere = new Set(changed);
    // What a revert writes is a new file.
    const links = (linked ?? []).flatMap((paths) => {
      const others = paths.filter((path) => !changedHere.has(path));
      return others.length === 0 ? [] : [others];
    });
    const draft = {
      ...{ entries: new Map(known.entries), gone: [], taken: [], written: [], startedAt: Date.now() },
      ...{ ...facts, git, folders: await lookAtFolders(store.folder, folders, touched) },
      ...(links.length === 0 ? {} : { links }),
    };
    return (await storeDraft(store, { known, draft, changed }, slices)).commit;
  });
  return taken ?? (await takeSnapshot(place, store.folder, [before], signal)).commit;
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
