/**
 * Reverts the changes between two snapshots, and nothing else. A path that still is as it was after the change gets its
 * state from before; text that was changed since is merged; every other later change stays.
 *
 * Each path is read right before it is handled, and only its current state is compared. So a second run completes a
 * first one, with the same outcome for every path.
 */
import type { RevertedPath } from '../../../../activities/ports.ts';
import type { SafeFolder } from '../../files/safe-folder.ts';
import { type RawPath, toShownPath } from '../process/git-process.ts';
import { isClosed } from '../ignore/left-out.ts';
import { foldersOf } from '../repository/repository-data.ts';
import { mayPass } from '../process/passing-errors.ts';
import { type FileState, OpenTree, nameOf, readState } from '../process/open-tree.ts';
import { SINCE, whatIsSince } from './changed-since.ts';
import { bringBackRemoved, foldersBefore, removeEmpty, removeMade, whyNoFolder } from './revert-folders.ts';
import { CLOSED, type RevertOptions } from './revert-options.ts';
import { type Difference, type Plan, choose, toMode, withoutSpecialBits } from './revert-plan.ts';
import { Contents } from '../snapshots/snapshot-contents.ts';

export interface Reversal {
  paths: RevertedPath[];
  /** All of them except the kept ones; folders end with a slash. */
  touched: RawPath[];
}

export async function revert(
  differences: readonly Difference[],
  options: RevertOptions,
  signal: AbortSignal,
): Promise<Reversal> {
  const tree = await OpenTree.open(options.folder, options.folders?.modes);
  try {
    const outcomes = new Map<RawPath, RevertedPath>();
    // Deletions come first: a file may be in the place of a folder.
    const deletions = differences.filter(({ before }) => before === null);
    const writes = differences.filter(({ before }) => before !== null);
    const contents = new Contents(
      options.git,
      options.objects,
      writes.flatMap(({ before }) => (before === null ? [] : [before.id])),
    );
    const gone = new Set<RawPath>();
    const wereThere = foldersBefore(writes, options);
    const isSince = await whatIsSince(tree, differences, options.since);
    const { preview, attempt } = options;
    const progress = { contents, gone, isSince, wereThere, preview, attempt };
    const revertAll = async (some: readonly Difference[]) => {
      for (const difference of some) {
        signal.throwIfAborted();
        const reverted = isClosed(difference.path, options.folder, options.closed)
          ? kept(difference.path, CLOSED)
          : await revertPath(tree, difference, progress);
        if (reverted.outcome === 'deleted') gone.add(difference.path);
        outcomes.set(difference.path, reverted);
      }
    };
    await revertAll(deletions);
    const made = await removeMade(tree, options, progress);
    await revertAll(writes);
    const removed = await bringBackRemoved(tree, options, progress);
    const all = [...differences.map(({ path }) => [path, outcomes.get(path)] as const), ...made, ...removed];
    return {
      paths: all.flatMap(([, reverted]) => reverted ?? []),
      touched: all.flatMap(([path, reverted]) => (reverted === undefined || reverted.outcome === 'kept' ? [] : [path])),
    };
  } finally {
    await tree.close();
  }
}

function kept(path: RawPath, reason: string): RevertedPath {
  return { path: toShownPath(path), outcome: 'kept', reason };
}

// -------------------------------------------------------------------------------------------------------------- one path

interface Progress {
  contents: Contents;
  /** Paths that are deleted, or would be. */
  gone: Set<RawPath>;
  isSince: (path: RawPath, now: FileState) => boolean;
  wereThere: ReadonlySet<RawPath>;
  preview: boolean;
  attempt: RevertOptions['attempt'];
}

async function revertPath(
  tree: OpenTree,
  { path, before: asItWas, after }: Difference,
  { contents, gone, isSince, wereThere, preview, attempt }: Progress,
): Promise<RevertedPath> {
  const shown = toShownPath(path);
  const before = withoutSpecialBits(asItWas);
  const folder = await tree.folderOf(path);
  if (!preview && attempt?.retried === true)
    await folder?.removeDraft(nameOf(path), attempt.actionId).catch(() => undefined);
  const found =
    folder === null ? await whyNoFolder(tree, path, before !== null) : await readState(folder, nameOf(path));
  const isInTheWay = found.type === 'folder' || found.type === 'other';
  const makesRoom = preview && isInTheWay && (await wouldBeGone(tree, path, gone));
  const now: FileState = makesRoom ? { type: 'missing' } : found;
  const plan = await choose(now, before, after, contents);
  if (plan.type === 'keep') return kept(path, plan.reason);
  if (plan.type === 'nothing') return { path: shown, outcome: plan.outcome };
  if (isSince(path, now)) return kept(path, SINCE);
  if (preview) return { path: shown, outcome: plan.type === 'delete' ? 'deleted' : plan.outcome };
  try {
    if (plan.type === 'delete') {
      await folder?.unlink(nameOf(path));
      await removeEmpty(tree, path, wereThere);
      return { path: shown, outcome: 'deleted' };
    }
    const place = folder ?? (await tree.folderOf(path, { create: true }));
    if (place === null) return kept(path, 'a folder on its way is now something else');
    await write(place, nameOf(path), now, plan, attempt);
    return { path: shown, outcome: plan.outcome };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || mayPass(code)) throw error;
    return kept(path, `it could not be written (${code})`);
  }
}

/** Whether the object in the place of a file is such a deleted file, or a folder of them. */
async function wouldBeGone(tree: OpenTree, path: RawPath, gone: ReadonlySet<RawPath>): Promise<boolean> {
  if (gone.has(`${path}/`) || foldersOf(path).some((around) => gone.has(around.slice(0, -1)))) return true;
  const folder = await tree.folderOf(`${path}/`);
  if (folder === null) return false;
  const names = await folder.list();
  for (const name of names) {
    const inside = `${path}/${name.toString('latin1')}`;
    if (!gone.has(inside) && !(await wouldBeGone(tree, inside, gone))) return false;
  }
  return names.length > 0;
}

async function write(
  folder: SafeFolder,
  name: Buffer,
  now: FileState,
  { kind, mode, content }: Extract<Plan, { type: 'write' }>,
  attempt: RevertOptions['attempt'],
): Promise<void> {
  const draft = attempt === undefined ? {} : { actionId: attempt.actionId };
  if (kind === '120000') {
    if (now.type === 'missing') await folder.symlink(content, name);
    else await folder.writeLink(content, name, draft);
    return;
  }
  const { uid, gid } = now.type === 'file' ? now.stats : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const like = { mode: mode ?? toMode(kind, now), uid, gid };
  await folder.write(name, content, { like, ...draft });
}
