/** The decisions of an earlier snapshot that a later one repeats. */
import type { RawPath } from '../process/git-process.ts';
import type { Entry } from './entry.ts';
import type { Manifest } from './manifest.ts';
import { toBlobId } from './snapshot-files.ts';
import { type SnapshotStore, type StoreGit, gitOf, listFiles, readFacts } from './snapshot-store.ts';
import type { EarlierWalk } from './walked.ts';

/** @param commits the first one decides; the paths of all of them are read. */
export async function toEarlierWalk(
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
  const files = await listFiles(git, commit, { answers: [0, 128] });
  return new Map(files.map(({ path, id }) => [path, { id }]));
}
