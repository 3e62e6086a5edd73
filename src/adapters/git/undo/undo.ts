/** Reverts the changes between two snapshots of a workspace, except where somebody has changed the files since. */
import { Failure } from '../../../../activities/failures.ts';
import type { RevertRequest, Reverted } from '../../../../activities/ports.ts';
import { createClosedPaths } from '../../files/closed-paths.ts';
import type { RawPath } from '../process/git-process.ts';
import { type Known, compare, compareLegacy, foldersIn } from '../snapshots/compare-snapshots.ts';
import { findLegacy } from '../snapshots/legacy-snapshot.ts';
import { ofPatches } from './patch-differences.ts';
import { nameRepositoryChanges } from './repository-changes.ts';
import { revert } from './revert.ts';
import { type RevertedFiles, toRevertedStates } from './reverted-states.ts';
import type { RevertOptions } from './revert-options.ts';
import { type SnapshotPlace, takeSnapshot } from '../snapshots/snapshot.ts';
import { toFolderPermissions } from '../snapshots/snapshot-facts.ts';
import {
  type SnapshotName,
  type SnapshotStore,
  type StoreGit,
  findKept,
  gitOf,
  keepUnder,
  openStore,
  readFacts,
} from '../snapshots/snapshot-store.ts';
import { takeTouched } from '../snapshots/touched-snapshot.ts';
import { findTried } from './tried-paths.ts';
import { toFolderRemark, toLegacyRemarks, toLinkRemark, toRemarks } from './undo-remarks.ts';

/** See `GitPort.revert`. */
export async function revertChanges(
  place: SnapshotPlace,
  { cwd, before, after, endedAt = null, preview, patched = null, actionId, retried = false, keepAs }: RevertRequest,
  signal: AbortSignal,
): Promise<Reverted> {
  const store = await openStore(place.directory, cwd);
  const git = gitOf(store, signal);
  const facts = await readFacts(git, before);
  const legacy = facts === null ? await findLegacy(git, cwd, before) : null;
  if (facts === null && legacy === null) throw missing(before, cwd);
  const then = after === null ? null : await readFacts(git, after);
  const known = [...(facts === null ? [] : [before]), ...(after === null || then === null ? [] : [after])];
  // An earlier attempt may have reverted a part of it already.
  const kept = keepAs === null ? null : await findKept(store, keepAs.threadId, `${keepAs.name}-start`);
  const start = kept ?? (await takeSnapshot(place, cwd, known, signal)).commit;
  if (keepAs !== null) await keepUnder(store, { ...keepAs, name: `${keepAs.name}-start` }, start);
  const now = start === after && then !== null ? then : await readFacts(git, start);
  if (now === null) throw missing(start, cwd);
  const end = then === null || after === null ? { commit: start, facts: now } : { commit: after, facts: then };
  const from = legacy ?? (facts === null ? null : { commit: before, facts });
  if (from === null) throw missing(before, cwd);
  const between = 'tree' in from ? await compareLegacy(git, from, end) : await compare(git, from, end);
  const folders = 'tree' in from ? undefined : await toFolders(git, from, end);
  // A snapshot of an earlier release has too few facts.
  const narrowed = patched !== null && legacy === null;
  const commits = [before, end.commit];
  const tried = narrowed ? await findTried(git, patched.tried, { cwd, folder: store.folder }, commits) : [];
  const own = ofPatches(between, folders, narrowed ? [...patched.changed, ...tried] : null);
  const closed = createClosedPaths(place.closed, store.folder);
  const options = {
    folder: store.folder,
    git,
    preview,
    closed,
    ...(actionId === undefined ? {} : { attempt: { actionId, retried } }),
    ...(own.folders === undefined ? {} : { folders: own.folders }),
    ...(then === null && legacy === null ? { since: endedAt ?? -Infinity } : {}),
    ...(legacy === null ? {} : { objects: legacy.objects }),
  };
  const ofRepositories = facts === null ? [] : nameRepositoryChanges(facts.git, end.facts.git, now.git);
  const reverted = await revert(own.differences, options, signal);
  const paths = [...reverted.paths, ...own.kept, ...ofRepositories];
  const remarks = [
    ...(then === null ? [legacy === null ? UNKNOWN_END : UNKNOWN_END_OF_LEGACY] : []),
    ...(facts === null ? [] : toRemarks(facts, then ?? now, now)),
    ...(facts === null ? [] : toLinkRemark(facts, then ?? now, new Set(reverted.touched))),
    ...('tree' in from ? [] : await toFolderRemark(git, from, end)),
    ...(legacy === null ? [] : toLegacyRemarks(legacy)),
  ];
  if (preview || keepAs === null) return { paths, notUndone: remarks, redo: null, narrowed };
  const done = { start: { commit: start, facts: now }, end, differences: own.differences, objects: legacy?.objects };
  const left = await keepEnd(store, { ...done, touched: reverted.touched }, { keepAs, retried }, signal);
  return { paths, notUndone: remarks, redo: { before: start, after: left }, narrowed };
}

/** An attempt that was lost may have kept it already, before others changed what it had reverted. */
async function keepEnd(
  store: SnapshotStore,
  { touched, ...done }: RevertedFiles & { touched: readonly RawPath[] },
  { keepAs, retried }: { keepAs: SnapshotName; retried: boolean },
  signal: AbortSignal,
): Promise<string> {
  const own = { ...keepAs, name: `${keepAs.name}-end` };
  const kept = retried ? await findKept(store, own.threadId, own.name) : null;
  if (kept !== null) return kept;
  const paths = new Set(touched);
  const differences = done.differences.filter(({ path }) => paths.has(path));
  const files = toRevertedStates(gitOf(store, signal), { ...done, differences });
  const left = await takeTouched(store, done.start, { files, paths: touched }, signal);
  await keepUnder(store, own, left);
  return left;
}

/** An earlier release stored no folders; then none counts as made or removed. */
async function toFolders(git: StoreGit, before: Known, after: Known): Promise<NonNullable<RevertOptions['folders']>> {
  const [was, is] = [before.facts.folders?.empty ?? [], after.facts.folders?.empty ?? []];
  const isKnown = before.facts.folders !== undefined && after.facts.folders !== undefined;
  const without = async (paths: readonly RawPath[], others: ReadonlySet<RawPath>, place: Known) => {
    const differing = isKnown ? paths.filter((path) => !others.has(path)) : [];
    const there = differing.length === 0 ? null : await foldersIn(git, place);
    return differing.filter((path) => there?.has(path) !== true);
  };
  return {
    ...(before.facts.folders === undefined ? {} : { modes: toFolderPermissions(before.facts) }),
    empty: was,
    removed: await without(was, new Set(is), after),
    made: await without(is, new Set(was), before),
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
