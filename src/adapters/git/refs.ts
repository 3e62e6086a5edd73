/** What keeps snapshots alive: one reference each, below a folder of references per thread. */
import { createHash } from 'node:crypto';
import type { SnapshotNames } from '../../../activities/ports.ts';
import { runGit } from './git-process.ts';
import { findRepository } from './repository.ts';

/**
 * The commit is part of the name: of two attempts that overlap each keeps its own, whichever of them counts in the end.
 */
export async function keepSnapshot(
  { cwd, threadId, name }: { cwd: string; threadId: string; name: string },
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  const ref = `${folderOf(threadId)}/${toRefPart(name)}/${commit.slice(0, 12)}`;
  await runGit(['update-ref', ref, commit], { cwd, signal });
}

/** Lets go of the snapshots under these names, or of all that the thread has. */
export async function releaseSnapshots({ cwd, threadId, names }: SnapshotNames, signal: AbortSignal): Promise<void> {
  if ((await findRepository(cwd, signal)) === null) return;
  const folder = folderOf(threadId);
  const patterns = names === 'all' ? [folder] : names.map((name) => `${folder}/${toRefPart(name)}`);
  if (patterns.length === 0) return;
  const found = await runGit(['for-each-ref', '--format=%(refname)', ...patterns], { cwd, signal });
  const refs = found.stdout.toString().split('\n').filter(Boolean);
  if (refs.length === 0) return;
  const input = refs.map((ref) => `delete ${ref}\n`).join('');
  await runGit(['update-ref', '--stdin'], { cwd, signal, input });
}

function folderOf(threadId: string): string {
  return `refs/bobbin/${toRefPart(threadId)}`;
}

const LONGEST = 120;

/** An id as one part of the name of a reference; a long one keeps its beginning, for who looks. */
function toRefPart(id: string): string {
  const escaped = id.replace(/[^A-Za-z0-9_-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (escaped.length <= LONGEST) return escaped;
  return `${escaped.slice(0, 80)}%${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}
