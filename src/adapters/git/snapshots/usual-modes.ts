/**
 * Permissions as they are stored. With a umask other than 022 nearly every file and folder has other ones than git
 * expects: the most frequent ones are then stored once, and only the exceptions by path.
 */
import type { RawPath } from '../process/git-process.ts';
import { foldersOf } from '../repository/repository-data.ts';

/** Paths by permissions, in octal. */
export type Modes = Record<string, RawPath[]>;
/** The most frequent permissions by git's kind of the path, if they are not the expected ones. */
export type Usual = Record<string, string>;
/** Git's kinds by path; folders end with a slash. */
export type Kinds = ReadonlyMap<RawPath, string>;

const FOLDER = '040000';
/** What git expects, by its kinds. A link has none. */
export const EXPECTED: Record<string, string> = { '100644': '644', '100755': '755', [FOLDER]: '755' };

/** A shorter list is stored as it is. */
const LEAST_PATHS = 200;

/** The empty folders, and all folders on the way to them and to the files. */
export function foldersAround(files: Iterable<RawPath>, empty: readonly RawPath[]): Kinds {
  const kinds = new Map<RawPath, string>();
  for (const path of files) {
    if (kinds.has(path.slice(0, path.lastIndexOf('/') + 1))) continue;
    for (const folder of foldersOf(path)) kinds.set(folder, FOLDER);
  }
  for (const path of empty) for (const folder of [...foldersOf(path), path]) kinds.set(folder, FOLDER);
  return kinds;
}

/** @param modes all paths with other permissions than the expected ones. */
export function shorten(modes: Modes, toKinds: () => Kinds): { modes: Modes; usual: Usual } {
  if (Object.values(modes).reduce((sum, { length }) => sum + length, 0) < LEAST_PATHS) return { modes, usual: {} };
  const kinds = toKinds();
  const listed = toMap(modes);
  const usual = findUsual(listed, kinds);
  const exceptions = [...listed].filter(([path, mode]) => usual[kinds.get(path) ?? ''] !== mode);
  for (const [path, kind] of kinds)
    if (usual[kind] !== undefined && !listed.has(path)) exceptions.push([path, EXPECTED[kind] ?? '']);
  return { modes: groupByMode(exceptions), usual };
}

/** The reverse of `shorten`; the paths are sorted. */
export function lengthen(modes: Modes, usual: Usual, kinds: Kinds): Modes {
  const listed = toMap(modes);
  for (const [path, kind] of kinds) {
    const mode = usual[kind];
    if (mode !== undefined && !listed.has(path)) listed.set(path, mode);
  }
  return groupByMode([...listed].filter(([path, mode]) => EXPECTED[kinds.get(path) ?? ''] !== mode));
}

function findUsual(listed: ReadonlyMap<RawPath, string>, kinds: Kinds): Usual {
  const counts = new Map<string, Map<string, number>>();
  for (const [path, kind] of kinds) {
    const mode = listed.get(path) ?? EXPECTED[kind];
    if (mode === undefined) continue;
    const ofKind = counts.get(kind) ?? new Map<string, number>();
    counts.set(kind, ofKind.set(mode, (ofKind.get(mode) ?? 0) + 1));
  }
  const most = [...counts].flatMap(([kind, ofKind]): [string, string][] => {
    const [mode] = [...ofKind].reduce((one, other) => (other[1] > one[1] ? other : one));
    return mode === EXPECTED[kind] ? [] : [[kind, mode]];
  });
  return Object.fromEntries(most);
}

function toMap(modes: Modes): Map<RawPath, string> {
  return new Map(Object.entries(modes).flatMap(([mode, paths]) => paths.map((path) => [path, mode] as const)));
}

export function groupByMode(pairs: Iterable<readonly [RawPath, string]>): Modes {
  const modes: Modes = {};
  for (const [path, mode] of pairs) (modes[mode] ??= []).push(path);
  for (const paths of Object.values(modes)) paths.sort();
  return modes;
}
