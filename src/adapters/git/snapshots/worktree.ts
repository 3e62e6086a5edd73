/**
 * The files of a snapshot in a new folder: a work tree of the person's repository if there is one, else a plain folder.
 * No git runs in the repository: its record of the work tree is written directly, and files are written with their
 * original bytes.
 */
import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, join, relative } from 'node:path';
import { Failure } from '../../../../activities/failures.ts';
import type { NewWorktree, WorktreePlace } from '../../../../activities/ports.ts';
import { type ClosedPaths, createClosedPaths } from '../../files/closed-paths.ts';
import { inFolder } from '../../files/safe-folder.ts';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { type RawPath, runGit } from '../process/git-process.ts';
import { findLegacy } from './legacy-snapshot.ts';
import { isClosed, listPaths } from '../ignore/left-out.ts';
import { readPlainFile } from '../process/plain-file.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import { toRaw } from '../repository/repository-data.ts';
import { type WorkTreePlace, findRepository } from '../repository/repository-place.ts';
import { revert } from '../undo/revert.ts';
import type { RevertOptions } from '../undo/revert-options.ts';
import type { Difference } from '../undo/revert-plan.ts';
import type { SnapshotPlace } from './snapshot.ts';
import { toFolderPermissions, toPermissions } from './snapshot-facts.ts';
import { EXPECTED } from './usual-modes.ts';
import {
  type SnapshotStore,
  type StoreGit,
  gitOf,
  keepUnder,
  listFiles,
  openStore,
  readFacts,
} from './snapshot-store.ts';

/** Idempotent with the same snapshot, as long as nobody has changed it in between. */
export async function addWorktree(
  place: SnapshotPlace,
  { cwd, path, commit, keepAs, actionId, retried = false }: WorktreePlace,
  signal: AbortSignal,
): Promise<NewWorktree> {
  const store = await openStore(place.directory, cwd);
  const closed = createClosedPaths(place.closed, store.folder);
  const source = withoutClosed(await readSource(store, gitOf(store, signal), commit), store.folder, closed);
  if (keepAs !== undefined && source.objects === undefined)
    for (const name of keepAs.names) await keepUnder(store, { threadId: keepAs.threadId, name }, commit);
  const attempt = actionId === undefined ? {} : { attempt: { actionId, retried } };
  await mkdir(path, { recursive: true });
  const root = realpathSync(path);
  const repository = source.head === null ? null : linkable(store.folder, place.closed);
  const prefix = repository === null ? '' : toRaw(relative(repository.root, store.folder));
  if (actionId !== undefined) await inFolder(root, (folder) => folder.removeDraft('.git', actionId));
  assertFree(root, repository);
  const warnings = [...source.warnings];
  if (repository === null) warnings.push(...(source.head === null ? [] : [NOT_LINKED]));
  else await link(repository, { at: root, head: source.head ?? '', prefix, closed: place.closed, ...attempt }, signal);
  const inside = join(root, Buffer.from(prefix, 'latin1').toString());
  await mkdir(inside, { recursive: true });
  await write(inside, gitOf(store, signal), { ...source, ...attempt }, signal);
  return { cwd: join(path, Buffer.from(prefix, 'latin1').toString()), warnings };
}

const NOT_LINKED =
  'The new folder is no git work tree: the repository of the source has its data in a place that does not lead back to it.';

interface Source {
  files: Difference[];
  head: string | null;
  warnings: string[];
  /** Permissions of folders. */
  modes?: ReadonlyMap<RawPath, number>;
  /** Set for a snapshot of an earlier release. */
  objects?: string;
}

async function readSource(store: SnapshotStore, git: StoreGit, commit: string): Promise<Source> {
  const facts = await readFacts(git, commit);
  if (facts !== null) {
    const leftOut = Object.values(facts.leftOut).flat();
    const files = await toAdditions(git, commit, toPermissions(facts));
    const modes = facts.folders === undefined ? {} : { modes: toFolderPermissions(facts) };
    return { files, head: facts.heads[''] ?? null, warnings: toMissing(leftOut), ...modes };
  }
  const legacy = await findLegacy(git, store.folder, commit);
  if (legacy === null) {
    const message = `No work tree can be made of snapshot ${commit}: it is not in the data folder of this worker any more.`;
    throw new Failure('snapshotMissing', message, { details: { path: store.folder, commit } });
  }
  const { tree, objects, leftOut, head } = legacy;
  return { files: await toAdditions(git, tree, new Map(), objects), head, warnings: toMissing(leftOut), objects };
}

/** Earlier releases included them in their snapshots. */
function withoutClosed(source: Source, folder: string, closed: ClosedPaths): Source {
  const missing = source.files.map(({ path }) => path).filter((path) => isClosed(path, folder, closed));
  if (missing.length === 0) return source;
  const files = source.files.filter(({ path }) => !isClosed(path, folder, closed));
  return {
    ...source,
    files,
    warnings: [...source.warnings, `Closed to commands, so not in the new work tree: ${listPaths(missing)}`],
  };
}

function toMissing(leftOut: string[]): string[] {
  return leftOut.length === 0 ? [] : [`Not in the snapshot, so not in the new work tree: ${listPaths(leftOut)}`];
}

/** The files as additions. */
async function toAdditions(
  git: StoreGit,
  tree: string,
  permissions: ReadonlyMap<string, number>,
  objects?: string,
): Promise<Difference[]> {
  const files = await listFiles(git, tree, objects === undefined ? {} : { objects });
  return files.map(({ kind, id, path }) => {
    const mode = kind === '120000' ? 0 : (permissions.get(path) ?? Number.parseInt(EXPECTED[kind] ?? '644', 8));
    return { path, before: { kind, id, mode }, after: null };
  });
}

type Attempt = Pick<RevertOptions, 'attempt'>;

/** A new folder has no closed paths. */
const NOTHING_CLOSED = { has: () => false };

async function write(
  folder: string,
  git: StoreGit,
  { files, objects, modes, attempt }: Pick<Source, 'files' | 'objects' | 'modes'> & Attempt,
  signal: AbortSignal,
): Promise<void> {
  const options = {
    folder,
    git,
    preview: false,
    closed: NOTHING_CLOSED,
    folders: { ...(modes === undefined ? {} : { modes }), empty: [], removed: [], made: [] },
    ...(objects === undefined ? {} : { objects }),
    ...(attempt === undefined ? {} : { attempt }),
  };
  const { paths } = await revert(files, options, signal);
  const [kept] = paths.filter(({ outcome }) => outcome === 'kept');
  if (kept !== undefined) throw occupied(folder, kept.path);
}

function occupied(folder: string, name: string): Failure {
  const message = `No work tree can be made at ${folder}: there is another ${name} already. Choose a folder that is empty.`;
  return new Failure('gitFailed', message, { details: { path: folder } });
}

/** Files of an earlier attempt are accepted. */
function assertFree(root: string, repository: WorkTreePlace | null): void {
  const names = readdirSync(root);
  if (names.length > 0 && repository !== null && !names.includes('.git')) throw occupied(root, names[0] ?? '');
}

// ------------------------------------------------------------------------------------------------------- the repository

/**
 * Only a repository whose data is in its own folder, or that refers back to it as a linked work tree, gets a record.
 */
function linkable(folder: string, closed: readonly string[]): WorkTreePlace | null {
  const place = findRepository(folder, closed);
  if (place === null || place.isRegistered) return place;
  return realPathOf(place.commonDir) === join(realpathSync(place.root), '.git') ? place : null;
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

interface Linked extends Attempt {
  /** The new work tree. */
  at: string;
  head: string;
  /** The workspace in it. */
  prefix: string;
  closed: readonly string[];
}

/** The files that `git worktree add --detach` writes, and the files of the commit around the workspace. */
async function link(
  { root, commonDir, objectFormat }: WorkTreePlace,
  { at, head, prefix, closed, attempt }: Linked,
  signal: AbortSignal,
): Promise<void> {
  const draft = attempt === undefined ? {} : { actionId: attempt.actionId };
  const common = realpathSync(commonDir);
  const name = `${basename(at)
    .replace(/[^\w.-]/g, '_')
    .slice(0, 40)}-${createHash('sha256').update(at).digest('hex').slice(0, 8)}`;
  const record = join(common, 'worktrees', name);
  const tmp = await makePrivateTemp('bobbin-worktree-');
  try {
    const gitDir = join(tmp, 'git');
    makePrivateGitDir(gitDir, { alternates: [join(common, 'objects')], objectFormat });
    const git: StoreGit = (args, more = {}) => runGit(args, { cwd: tmp, gitDir, signal, ...more });
    await runGit(['read-tree', head], { cwd: tmp, gitDir, signal, index: join(tmp, 'index') });
    const index = await readPlainFile(join(tmp, 'index'), 1024 * 1024 * 1024);
    await inFolder(
      record,
      async (folder) => {
        if (existsSync(join(at, '.git'))) return;
        await folder.write('commondir', '../..\n', draft);
        await folder.write('gitdir', `${join(at, '.git')}\n`, draft);
        await folder.write('HEAD', `${head}\n`, draft);
        if (index !== null) await folder.write('index', index, draft);
        await inFolder(at, (tree) => tree.write('.git', `gitdir: ${record}\n`, draft));
      },
      { create: true },
    );
    if (prefix === '') return;
    const hidden = createClosedPaths(closed, root);
    const around = (await toAdditions(git, head, new Map())).filter(
      ({ path }) => !path.startsWith(`${prefix}/`) && !isClosed(path, root, hidden),
    );
    await write(at, git, { files: around, ...(attempt === undefined ? {} : { attempt }) }, signal);
  } finally {
    await rm(tmp, { recursive: true, force: true });
  }
}
