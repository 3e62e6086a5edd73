/** The facts in a snapshot other than the contents of its files. */
import type { RawPath } from '../process/git-process.ts';
import { MAX_IGNORE_BYTES } from '../ignore/ignore-rules.ts';
import { listPaths, toListed } from '../ignore/left-out.ts';
import type { Entry } from './entry.ts';
import type { Draft } from './snapshot-files.ts';
import type { SnapshotFacts, StoredFacts } from './snapshot-store.ts';
import { type Kinds, type Modes, groupByMode } from './usual-modes.ts';

export function toFacts({
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
  const { links, cutRules, ignoredIsCut } = more;
  return {
    ...{ leftOut, heads, ignored, repositories, folders, git, isLimited },
    ...(links === undefined ? {} : { links }),
    ...(ignoredIsCut === undefined ? {} : { ignoredIsCut }),
    ...(cutRules === undefined ? {} : { cutRules }),
    modes: toModes(entries),
  };
}

export function isSame(one: SnapshotFacts, other: SnapshotFacts): boolean {
  return listChanged(one, other).length === 0;
}

/** The names of facts that differ. */
export function listChanged(one: Partial<StoredFacts>, other: Partial<StoredFacts>): (keyof StoredFacts)[] {
  const names = Object.keys({ ...one, ...other }) as (keyof StoredFacts)[];
  return names.filter((name) => one[name] !== other[name] && toText(one, name) !== toText(other, name));
}

function toText({ folders, ...facts }: Partial<StoredFacts>, name: keyof StoredFacts): string | undefined {
  if (name !== 'folders') return JSON.stringify(facts[name]);
  return folders === undefined ? undefined : JSON.stringify(sortFolders(folders));
}

/** A walk and a revert find them in different orders. */
function sortFolders({ empty, modes }: NonNullable<SnapshotFacts['folders']>): SnapshotFacts['folders'] {
  const pairs = Object.entries(modes).flatMap(([mode, paths]) => paths.map((path) => [path, mode] as const));
  return { empty: empty.toSorted(), modes: groupByMode(pairs) };
}

/** The permissions that a tree cannot express. */
export function toModes(entries: ReadonlyMap<RawPath, Pick<Entry, 'kind' | 'mode'>>): Modes {
  const pairs: [RawPath, string][] = [];
  for (const [path, { kind, mode }] of entries) {
    const own = mode & 0o7777;
    if (kind !== '120000' && own !== (kind === '100755' ? 0o755 : 0o644)) pairs.push([path, own.toString(8)]);
  }
  return groupByMode(pairs);
}

export function kindsOf(entries: ReadonlyMap<RawPath, Entry>): Kinds {
  return new Map([...entries].map(([path, { kind }]) => [path, kind]));
}

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
