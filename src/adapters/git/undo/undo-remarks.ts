/** The changes that an undo does not revert, for a person; one line each. */
import { type Known, foldersIn } from '../snapshots/compare-snapshots.ts';
import type { RawPath } from '../process/git-process.ts';
import { listPaths, toListed } from '../ignore/left-out.ts';
import type { LegacySnapshot } from '../snapshots/legacy-snapshot.ts';
import { MAX_REPOSITORIES } from '../repository/repository-state.ts';
import { toFolderPermissions } from '../snapshots/snapshot-facts.ts';
import type { SnapshotFacts, StoreGit } from '../snapshots/snapshot-store.ts';

export function toRemarks(before: SnapshotFacts, after: SnapshotFacts, now: SnapshotFacts): string[] {
  const leftOut = [...toListed(before.leftOut), ...toListed(after.leftOut)].flatMap(([, paths]) => paths);
  const repositories = after.repositories.filter((path) => !before.repositories.includes(path));
  // Otherwise the repositories are compared part by part.
  const heads = before.git === undefined || after.git === undefined ? before.heads : {};
  return [
    ...Object.entries(heads).flatMap(([path, head]) => toHeadRemark(path, head, now.heads[path] ?? null)),
    ...toRemark(
      'New repositories keep their .git',
      repositories.map((path) => `${path}.git/`),
    ),
    ...toRemark(
      'The .git that the turn removed, with its commits and branches, does not come back',
      before.repositories.filter((path) => !after.repositories.includes(path)).map((path) => `${path}.git/`),
    ),
    ...toUnseenRemark(before, after),
    ...toRemark('Not in the snapshot, so left as it is', [...new Set(leftOut)]),
    ...toIgnoredRemark(before, after),
  ];
}

function toUnseenRemark(before: SnapshotFacts, after: SnapshotFacts): string[] {
  const most = Math.max(before.repositories.length, after.repositories.length);
  if (before.git === undefined || after.git === undefined || most <= MAX_REPOSITORIES) return [];
  return [
    `Of ${most} repositories only ${MAX_REPOSITORIES} were looked at for changed branches, settings and hooks; in others they may have changed, too.`,
  ];
}

/** Folders that are in both snapshots, with other permissions in each. */
export async function toFolderRemark(git: StoreGit, before: Known, after: Known): Promise<string[]> {
  if (before.facts.folders === undefined || after.facts.folders === undefined) return [];
  const [first, second] = [toFolderPermissions(before.facts), toFolderPermissions(after.facts)];
  const differing = [...new Set([...first.keys(), ...second.keys()])].filter(
    (path) => first.get(path) !== second.get(path),
  );
  if (differing.length === 0) return [];
  const [was, is] = [await foldersIn(git, before), await foldersIn(git, after)];
  const changed = differing.filter((path) => was.has(path) && is.has(path));
  return toRemark('Permissions of folders stay as the turn left them', changed);
}

/** @param touched paths that the undo writes or removes: what it writes is a new file. */
export function toLinkRemark(before: SnapshotFacts, after: SnapshotFacts, touched: ReadonlySet<RawPath>): string[] {
  const { links: first = [] } = before;
  const { links: second = [] } = after;
  const untouched = second.map((paths) => paths.filter((path) => !touched.has(path)));
  return [
    ...toRemark(
      'Hard links that may be separate files now',
      first.filter((paths) => !isLinked(paths, untouched)).flat(),
    ),
    ...toRemark(
      'Separate files that the turn made hard links of one file',
      untouched.filter((paths) => paths.length > 1 && !isLinked(paths, first)).flat(),
    ),
  ];
}

function isLinked(paths: readonly RawPath[], links: readonly RawPath[][]): boolean {
  return links.some((group) => paths.every((path) => group.includes(path)));
}

function toIgnoredRemark(before: SnapshotFacts, after: SnapshotFacts): string[] {
  const [first, second] = [new Map(Object.entries(before.ignored)), new Map(Object.entries(after.ignored))];
  const isCut = before.ignoredIsCut === true || after.ignoredIsCut === true;
  // If there are many ignored paths, one snapshot may list some that the other one does not.
  const paths = [...new Set([...first.keys(), ...second.keys()])].filter((path) =>
    isCut ? first.has(path) && second.has(path) : true,
  );
  const changed = paths.filter((path) => first.get(path) !== second.get(path));
  return [
    ...toRemark('Ignored, so left as it is, and changed by the turn', changed),
    ...toRemark(
      'Ignored folders, in which files may have changed',
      paths.filter((path) => path.endsWith('/') && !changed.includes(path)),
    ),
    ...(isCut ? [`Of the ignored paths only ${paths.length} were looked at; others may have changed, too.`] : []),
  ];
}

function toHeadRemark(path: RawPath, before: string | null, now: string | null): string[] {
  if (before === now) return [];
  const name = (commit: string | null) => (commit === null ? 'no commit' : commit.slice(0, 12));
  const whose = path === '' ? 'HEAD' : `HEAD of ${listPaths([path])}`;
  return [
    `${whose} stays at ${name(now)}; it was at ${name(before)} when the turn began. Commits and branches are not undone.`,
  ];
}

export function toLegacyRemarks({ leftOut, submodules, prefixMissing }: LegacySnapshot): string[] {
  return [
    ...(prefixMissing ? ['The snapshot of an earlier release has nothing of this folder.'] : []),
    ...toRemark('Submodules were not in the snapshots of earlier releases', submodules),
    ...toRemark('Not in the snapshot, so left as it is', leftOut),
  ];
}

function toRemark(what: string, paths: readonly RawPath[]): string[] {
  return paths.length === 0 ? [] : [`${what}: ${listPaths(paths)}`];
}
