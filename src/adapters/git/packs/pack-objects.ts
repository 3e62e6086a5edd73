/** Snapshots as git packs: bytes that are written here and that another host reads, from a store that others can write. */
import { createHash } from 'node:crypto';
import { type GitCall, type GitResult, runGit } from '../process/git-process.ts';
import type { SnapshotStore } from '../snapshots/snapshot-store.ts';

/** A pack is kept in memory. */
const MAX_PACK_BYTES = 512 * 1024 * 1024;
/** To read or check all objects of a large workspace. */
const DEADLINE_MS = 1_800_000;

/**
 * Files with these names are data of a workspace here, and nothing reads them as settings of a repository. Everything
 * else that git finds wrong with an object is refused, such as a folder named `.git`.
 */
const NOT_INTERPRETED = [
  ...['gitmodulesBlob', 'gitmodulesLarge', 'gitmodulesMissing', 'gitmodulesName', 'gitmodulesParse', 'gitmodulesPath'],
  ...['gitmodulesSymlink', 'gitmodulesUpdate', 'gitmodulesUrl'],
  ...['gitattributesBlob', 'gitattributesLarge', 'gitattributesLineLength', 'gitattributesMissing'],
  ...['gitattributesSymlink', 'gitignoreSymlink', 'mailmapSymlink'],
];

type More = Pick<GitCall, 'input' | 'answers'>;

function inStore({ gitDir }: SnapshotStore, args: readonly string[], signal: AbortSignal, more: More = {}) {
  const limits = { deadlineMs: DEADLINE_MS, maxStdoutBytes: MAX_PACK_BYTES };
  return runGit(args, { cwd: gitDir, gitDir, signal, ...limits, ...more });
}

/**
 * Objects of these commits that the others do not have: a snapshot has no parents, so git compares nothing but trees. The
 * same bytes each time, so that a retry writes one object.
 */
export async function makePack(
  store: SnapshotStore,
  { commits, without }: { commits: readonly string[]; without: readonly string[] },
  signal: AbortSignal,
): Promise<Buffer> {
  const input = [...commits, ...without.map((commit) => `^${commit}^{tree}`)].map((line) => `${line}\n`).join('');
  const args = ['-c', 'pack.threads=1', '-c', 'pack.compression=1', 'pack-objects', '--revs', '--stdout', '-q'];
  return (await inStore(store, args, signal, { input })).stdout;
}

/** The commits that the store has. */
export async function findCommits(store: SnapshotStore, commits: readonly string[], signal: AbortSignal) {
  if (commits.length === 0) return new Set<string>();
  const input = commits.map((commit) => `${commit}\n`).join('');
  const { stdout } = await inStore(store, ['cat-file', '--batch-check'], signal, { input });
  const lines = stdout.toString('latin1').split('\n');
  return new Set(lines.flatMap((line) => /^(\w+) commit \d+$/.exec(line)?.[1] ?? []));
}

/** Checks every object of a pack by its id, and that all that it refers to is there. */
export function readPack(store: SnapshotStore, pack: Buffer, signal: AbortSignal): Promise<GitResult> {
  const strict = `--strict=${NOT_INTERPRETED.map((id) => `${id}=ignore`).join()}`;
  return inStore(store, ['index-pack', strict, '--stdin'], signal, { input: pack });
}

/** Fails if anything that belongs to one of the commits is missing. */
export function assertWhole(store: SnapshotStore, commits: readonly string[], signal: AbortSignal): Promise<GitResult> {
  const args = ['fsck', '--connectivity-only', '--no-dangling', '--no-reflogs', '--no-progress', ...commits];
  return inStore(store, args, signal);
}

export async function describeCommit(store: SnapshotStore, commit: string, signal: AbortSignal) {
  const { stdout } = await inStore(store, ['rev-parse', '--verify', `${commit}^{tree}`], signal);
  const tree = stdout.toString().trim();
  const listed = await inStore(store, ['ls-tree', '-r', '-z', '--name-only', tree], signal);
  let files = 0;
  for (const byte of listed.stdout) if (byte === 0) files += 1;
  return { commit, tree, files };
}

export function idOf(pack: Uint8Array): string {
  return createHash('sha256').update(pack).digest('hex');
}
