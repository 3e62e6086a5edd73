/** The differences between two snapshots. */
import { type RawPath, toRawPaths } from '../process/git-process.ts';
import { isWithin } from '../ignore/left-out.ts';
import type { LegacySnapshot } from './legacy-snapshot.ts';
import type { Difference, Side } from '../undo/revert-plan.ts';
import { toPermissions } from './snapshot-facts.ts';
import { EXPECTED } from './usual-modes.ts';
import { type SnapshotFacts, type StoreGit, listFiles } from './snapshot-store.ts';

interface RawDifference {
  path: RawPath;
  kinds: [string, string];
  ids: [string, string];
}

/** The kind of a file that one of the trees does not have. */
export const NO_FILE = '000000';

export async function compareTrees(
  git: StoreGit,
  trees: readonly [string, string],
  objects?: string,
): Promise<RawDifference[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', '--ignore-submodules=none', ...trees];
  const { stdout } = await git(args, objects === undefined ? {} : { objects });
  const fields = toRawPaths(stdout);
  return fields.flatMap((field, at) => {
    if (at % 2 === 1) return [];
    const [from = '', to = '', fromId = '', toId = ''] = field.slice(1).split(' ');
    return [{ path: fields[at + 1] ?? '', kinds: [from, to], ids: [fromId, toId] }];
  });
}

export interface Known {
  commit: string;
  facts: SnapshotFacts;
}

/** Two snapshots, by content, kind and permissions. */
export async function compare(git: StoreGit, before: Known, after: Known): Promise<Difference[]> {
  const [first, second] = [toPermissions(before.facts), toPermissions(after.facts)];
  // Files that were left out existed already, with unknown content.
  const leftOut = new Set([...Object.values(before.facts.leftOut), after.facts.leftOut.denied ?? []].flat());
  const found = (await compareTrees(git, [before.commit, after.commit])).filter(({ path }) => !isWithin(path, leftOut));
  const differences = found.map(({ path, kinds, ids }): Difference => {
    return {
      path,
      before: toSide(kinds[0], ids[0], first.get(path)),
      after: toSide(kinds[1], ids[1], second.get(path)),
    };
  });
  const compared = new Set(found.map(({ path }) => path));
  const candidates = [...new Set([...first.keys(), ...second.keys()])].filter(
    (path) => !compared.has(path) && first.get(path) !== second.get(path),
  );
  return [...differences, ...(await comparePermissions(git, after.commit, candidates, first, second))];
}

/** Files with the same content and other permissions. */
async function comparePermissions(
  git: StoreGit,
  commit: string,
  paths: readonly RawPath[],
  first: ReadonlyMap<RawPath, number>,
  second: ReadonlyMap<RawPath, number>,
): Promise<Difference[]> {
  if (paths.length === 0) return [];
  const wanted = new Set(paths);
  return (await listFiles(git, commit)).flatMap(({ kind, id, path }) => {
    if (!wanted.has(path)) return [];
    return [{ path, before: toSide(kind, id, first.get(path)), after: toSide(kind, id, second.get(path)) }];
  });
}

function toSide(kind: string, id: string, mode: number | undefined): Side {
  if (kind === NO_FILE) return null;
  if (kind === '120000') return { kind, id, mode: 0 };
  return { kind, id, mode: mode ?? Number.parseInt(EXPECTED[kind] ?? '644', 8) };
}

/** The differences between a snapshot of an earlier release and a current one. */
export async function compareLegacy(git: StoreGit, legacy: LegacySnapshot, now: Known): Promise<Difference[]> {
  const permissions = toPermissions(now.facts);
  const found = await compareTrees(git, [legacy.tree, now.commit], legacy.objects);
  const spared = new Set([...legacy.leftOut, ...legacy.submodules, ...legacy.submodules.map((path) => `${path}/`)]);
  return found.flatMap(({ path, kinds, ids }) => {
    if (isWithin(path, spared)) return [];
    const was = toSide(kinds[0], ids[0], undefined);
    const before: Side = was === null ? null : { ...was, mode: was.kind === '120000' ? 0 : null, isFiltered: true };
    return [{ path, before, after: toSide(kinds[1], ids[1], permissions.get(path)) }];
  });
}

/** All folders of a snapshot, with a slash at their end. */
export async function foldersIn(git: StoreGit, { commit, facts }: Known): Promise<Set<RawPath>> {
  const { stdout } = await git(['ls-tree', '-r', '-d', '-z', '--name-only', commit]);
  return new Set([...toRawPaths(stdout).map((path) => `${path}/`), ...(facts.folders?.empty ?? [])]);
}
