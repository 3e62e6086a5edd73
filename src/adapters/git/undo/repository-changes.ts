/** Lists the differences in the repositories of a workspace between two snapshots, which an undo does not revert. */
import type { RevertedPath } from '../../../../activities/ports.ts';
import { type RawPath, toShownPath } from '../process/git-process.ts';
import {
  type RepositoryState,
  type RepositoryStates,
  isChanged,
  toKind,
  toKindDigest,
} from '../repository/repository-state.ts';

/** Snapshots of earlier releases have none. */
type Remembered = RepositoryStates | undefined;

/** @param now the current state: a part that is as before is not listed. */
export function nameRepositoryChanges(before: Remembered, after: Remembered, now: Remembered): RevertedPath[] {
  if (before === undefined || after === undefined) return [];
  return Object.entries(before).flatMap(([at, first]) => {
    const second = after[at];
    // The remark about removed or new repositories lists those.
    return second === undefined ? [] : nameChanges(at, first, second, now?.[at]);
  });
}

function nameChanges(
  at: RawPath,
  before: RepositoryState,
  after: RepositoryState,
  now: RepositoryState | undefined,
): RevertedPath[] {
  const parts = toParts(before, after);
  return parts.flatMap((part): RevertedPath[] => {
    const [was, became] = [valueOf(before, part), valueOf(after, part)];
    if (!isChanged(part, was, became) || (now !== undefined && !isChanged(part, was, valueOf(now, part)))) return [];
    const path = `${at}.git${part === '' ? '' : '/'}${part}`;
    return [{ path: toShownPath(path), outcome: 'kept', reason: describe(part, was, became) }];
  });
}

/** References of a kind that one of the states combines are compared as one. */
function toParts(before: RepositoryState, after: RepositoryState): RawPath[] {
  const all = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return all.filter((part) => part.endsWith('/') || !part.startsWith('refs/') || !all.includes(toKind(part)));
}

function valueOf(state: RepositoryState, part: RawPath): string | undefined {
  return part.endsWith('/') ? toKindDigest(state, part) : state[part];
}

// ----------------------------------------------------------------------------------------------------------------- words

const OF_PARTS: Record<RawPath, string> = {
  '': 'it leads to another repository',
  HEAD: 'another branch or commit is checked out',
  index: 'what is staged was changed',
  objects: 'packs or loose objects were removed, and maybe commits that no reference leads to',
  'logs/HEAD': 'entries were removed from the log of what was checked out',
  'refs/stash': 'the stash was changed',
  'refs/heads/': 'branches were changed',
  'refs/tags/': 'tags were changed',
  'refs/remotes/': 'remote-tracking branches were changed',
  'refs/': 'references were changed',
};

const REFS: [RawPath, string][] = [
  ['refs/heads/', 'the branch'],
  ['refs/tags/', 'the tag'],
  ['refs/remotes/', 'the remote-tracking branch'],
  ['refs/', 'the reference'],
];

/** Only the path contains names of parts. */
function describe(part: RawPath, was: string | undefined, became: string | undefined): string {
  const known = Object.hasOwn(OF_PARTS, part) ? OF_PARTS[part] : undefined;
  if (known !== undefined) return known;
  const ref = REFS.find(([kind]) => part.startsWith(kind))?.[1];
  if (ref === undefined)
    return was === undefined ? 'it was written' : `it was ${became === undefined ? 'removed' : 'changed'}`;
  if (was === undefined) return `${ref} is new`;
  if (became === undefined) return `${ref} was deleted${isId(was) ? `; it was at ${was}` : ''}`;
  return isId(was) && isId(became) ? `${ref} moved from ${was} to ${became}` : `${ref} was changed`;
}

function isId(value: string): boolean {
  return /^[0-9a-f]{12}$/.test(value);
}
