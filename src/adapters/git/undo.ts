/** Takes back what changed between two snapshots of a workspace, with what was changed since left to who did it. */
import { Failure } from '../../../activities/failures.ts';
import type { RevertRequest, Reverted } from '../../../activities/ports.ts';
import { createClosedPaths } from '../files/closed-paths.ts';
import { type RawPath, toRawPaths } from './git-process.ts';
import { isWithin, listPaths } from './left-out.ts';
import { type LegacySnapshot, findLegacy } from './legacy-snapshot.ts';
import { type Difference, type RevertOptions, type Side, revert } from './revert.ts';
import { toListed } from './walk.ts';
import { nameRepositoryChanges } from './repository-changes.ts';
import { MAX_REPOSITORIES } from './repository-state.ts';
import { type SnapshotPlace, takeSnapshot, toFolderPermissions, toPermissions, USUAL } from './snapshot.ts';
import {
  type SnapshotFacts,
  type StoreGit,
  findKept,
  gitOf,
  keepUnder,
  openStore,
  readFacts,
} from './snapshot-store.ts';

/** See `GitPort.revert`. */
export async function revertChanges(
  place: SnapshotPlace,
  { cwd, before, after, endedAt = null, preview, keepAs }: RevertRequest,
  signal: AbortSignal,
): Promise<Reverted> {
  const store = await openStore(place.directory, cwd);
  const git = gitOf(store, signal);
  const facts = await readFacts(git, before);
  const legacy = facts === null ? await findLegacy(git, cwd, before) : null;
  if (facts === null && legacy === null) throw missing(before, cwd);
  const then = after === null ? null : await readFacts(git, after);
  const known = [...(facts === null ? [] : [before]), ...(after === null || then === null ? [] : [after])];
  // An earlier try may have taken back a part of it already.
  const kept = keepAs === null ? null : await findKept(store, keepAs.threadId, `${keepAs.name}-start`);
  const start = kept ?? (await takeSnapshot(place, cwd, known, signal)).commit;
  if (keepAs !== null) await keepUnder(store, { ...keepAs, name: `${keepAs.name}-start` }, start);
  const now = start === after && then !== null ? then : await readFacts(git, start);
  if (now === null) throw missing(start, cwd);
  const end = then === null || after === null ? { commit: start, facts: now } : { commit: after, facts: then };
  const from = legacy ?? (facts === null ? null : { commit: before, facts });
  if (from === null) throw missing(before, cwd);
  const between = 'tree' in from ? await compareLegacy(git, from, end) : await compare(git, from, end);
  const closed = createClosedPaths(place.closed, store.folder);
  const options = {
    folder: store.folder,
    git,
    preview,
    closed,
    ...(facts === null ? {} : { folders: toFolders(facts, end.facts) }),
    ...(then === null && legacy === null ? { since: endedAt ?? -Infinity } : {}),
    ...(legacy === null ? {} : { objects: legacy.objects }),
  };
  const ofRepositories = facts === null ? [] : nameRepositoryChanges(facts.git, end.facts.git, now.git);
  const paths = [...(await revert(between, options, signal)), ...ofRepositories];
  const remarks = [
    ...(then === null ? [legacy === null ? UNKNOWN_END : UNKNOWN_END_OF_LEGACY] : []),
    ...(facts === null ? [] : toRemarks(facts, then ?? now, now)),
    ...('tree' in from ? [] : await toFolderRemark(git, from, end)),
    ...(legacy === null ? [] : toLegacyRemarks(legacy)),
  ];
  if (preview || keepAs === null) return { paths, notUndone: remarks, redo: null };
  const left = await takeSnapshot(place, cwd, [start], signal);
  await keepUnder(store, { ...keepAs, name: `${keepAs.name}-end` }, left.commit);
  return { paths, notUndone: remarks, redo: { before: start, after: left.commit } };
}

function toFolders(before: SnapshotFacts, after: SnapshotFacts): NonNullable<RevertOptions['folders']> {
  const isKnown = before.folders !== undefined;
  return {
    modes: toFolderPermissions(before),
    empty: before.folders?.empty ?? [],
    leftEmpty: isKnown ? (after.folders?.empty ?? []) : [],
  };
}

const UNKNOWN_END =
  'How the files were at the end of the turn is not known: a file that was changed after it, as far as its times show, is kept, and so is one of which they do not show it.';
const UNKNOWN_END_OF_LEGACY =
  'How the files were at the end of the turn is not known: every file that differs from before the turn was put back, also if somebody else changed it since. `redo` brings that back.';

function missing(commit: string, cwd: string): Failure {
  const message = `Snapshot ${commit} of ${cwd} is not in the data folder of this worker any more.`;
  return new Failure('snapshotMissing', message, { details: { path: cwd, commit } });
}

// ------------------------------------------------------------------------------------------------------------ comparing

interface RawDifference {
  path: RawPath;
  kinds: [string, string];
  ids: [string, string];
}

async function compareTrees(
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

interface Known {
  commit: string;
  facts: SnapshotFacts;
}

/** Two snapshots, by content, kind and permissions. */
async function compare(git: StoreGit, before: Known, after: Known): Promise<Difference[]> {
  const [first, second] = [toPermissions(before.facts), toPermissions(after.facts)];
  // What was left out was there already, and is not known.
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
  const { stdout } = await git(['ls-tree', '-r', '-z', commit]);
  return toRawPaths(stdout).flatMap((line) => {
    const [, kind = '', id = '', path = ''] = /^(\d+) blob (\w+)\t([^]*)$/.exec(line) ?? [];
    if (!wanted.has(path)) return [];
    return [{ path, before: toSide(kind, id, first.get(path)), after: toSide(kind, id, second.get(path)) }];
  });
}

function toSide(kind: string, id: string, mode: number | undefined): Side {
  if (kind === '000000') return null;
  if (kind === '120000') return { kind, id, mode: 0 };
  return { kind, id, mode: mode ?? Number.parseInt(USUAL[kind] ?? '644', 8) };
}

/** A snapshot of an earlier release, and one of ours. */
async function compareLegacy(git: StoreGit, legacy: LegacySnapshot, now: Known): Promise<Difference[]> {
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

// -------------------------------------------------------------------------------------------------------------- remarks

function toRemarks(before: SnapshotFacts, after: SnapshotFacts, now: SnapshotFacts): string[] {
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
async function toFolderRemark(git: StoreGit, before: Known, after: Known): Promise<string[]> {
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

async function foldersIn(git: StoreGit, { commit, facts }: Known): Promise<Set<RawPath>> {
  const { stdout } = await git(['ls-tree', '-r', '-d', '-z', '--name-only', commit]);
  return new Set([...toRawPaths(stdout).map((path) => `${path}/`), ...(facts.folders?.empty ?? [])]);
}

function toIgnoredRemark(before: SnapshotFacts, after: SnapshotFacts): string[] {
  const [first, second] = [new Map(Object.entries(before.ignored)), new Map(Object.entries(after.ignored))];
  const isCut = before.ignoredIsCut === true || after.ignoredIsCut === true;
  // Of many ignored paths one snapshot may remember some that the other one does not.
  const paths = [...new Set([...first.keys(), ...second.keys()])].filter((path) =>
    isCut ? first.has(path) && second.has(path) : true,
  );
  const changed = paths.filter((path) => first.get(path) !== second.get(path));
  return [
    ...toRemark('Ignored, so left as it is, and changed by the turn', changed),
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

function toLegacyRemarks({ leftOut, submodules, prefixMissing }: LegacySnapshot): string[] {
  return [
    ...(prefixMissing ? ['The snapshot of an earlier release has nothing of this folder.'] : []),
    ...toRemark('Submodules were not in the snapshots of earlier releases', submodules),
    ...toRemark('Not in the snapshot, so left as it is', leftOut),
  ];
}

function toRemark(what: string, paths: readonly RawPath[]): string[] {
  return paths.length === 0 ? [] : [`${what}: ${listPaths(paths)}`];
}
