/**
 * The states that a revert gives its paths, by the snapshots alone: whatever somebody else changes there while it is
 * under way, or before another try of it, is no part of it.
 */
import { Contents } from '../snapshots/snapshot-contents.ts';
import { type Known, compare } from '../snapshots/compare-snapshots.ts';
import type { StoreGit } from '../snapshots/snapshot-store.ts';
import type { TouchedPath } from '../snapshots/touched-snapshot.ts';
import { toBlobId } from '../snapshots/snapshot-files.ts';
import { type Difference, type Seen, type Side, choose, toMode, withoutSpecialBits } from './revert-plan.ts';

export interface RevertedFiles {
  /** The snapshot before it. */
  start: Known;
  /** The one that the differences lead to. */
  end: Known;
  /** Those that it has reverted. */
  differences: readonly Difference[];
  /** Objects of another repository that may contain the sides. */
  objects: string | undefined;
}

/** Leaves out paths that stay as they were before it. */
export async function* toRevertedStates(
  git: StoreGit,
  { start, end, differences, objects }: RevertedFiles,
): AsyncGenerator<TouchedPath> {
  const changed = start.commit === end.commit ? [] : await compare(git, start, end);
  const sides = new Map(changed.map(({ path, before }) => [path, before]));
  const all = differences.map(({ path, before, after }) => {
    const was = sides.has(path) ? (sides.get(path) ?? null) : after;
    return {
      path,
      was,
      before: withoutSpecialBits(before),
      after,
      isEasy: !sides.has(path) && before?.isFiltered !== true,
    };
  });
  const read = all.filter(({ isEasy }) => !isEasy).flatMap(({ was, before }) => [was, before]);
  const contents = new Contents(
    git,
    objects,
    read.flatMap((side) => (side === null ? [] : [side.id])),
  );
  for (const { path, was, before, after, isEasy } of all) {
    if (isEasy) {
      yield { path, state: before && { ...before, mode: before.mode ?? 0 } };
      continue;
    }
    const seen = await toSeen(was, contents);
    const plan = await choose(seen, before, after, contents);
    if (plan.type === 'delete') yield { path, state: null };
    if (plan.type !== 'write') continue;
    const { kind, content } = plan;
    yield { path, state: { kind, id: toBlobId(content), mode: plan.mode ?? toMode(kind, seen) }, content };
  }
}

async function toSeen(side: Side, contents: Contents): Promise<Seen> {
  if (side === null) return { type: 'missing' };
  const content = await contents.of(side.id);
  return { type: side.kind === '120000' ? 'link' : 'file', content, stats: { mode: side.mode ?? 0 } };
}
