/**
 * The store of one workspace's snapshots: a private git directory in the worker's data folder. Nothing of ours is in
 * the person's repository, and no change of that repository can affect a snapshot.
 *
 * A snapshot is a commit without parents. Its tree has the bytes of every file as they are on disk; its message has the
 * facts that a tree cannot express (`SnapshotFacts`). References keep it, one for each name, in folders by thread.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { replacePrivateFile } from '../../../folders/private-file.ts';
import { type GitCall, type GitResult, runGit } from '../process/git-process.ts';
import { type RawPath, toRawPaths } from '../process/git-process.ts';
import { makePrivateGitDir } from '../process/private-git-dir.ts';
import type { LeftOut } from '../ignore/left-out.ts';
import { type Kinds, type Modes, type Usual, foldersAround, lengthen, shorten } from './usual-modes.ts';
import type { Walked } from './walked.ts';

export interface SnapshotStore {
  /** Absolute. */
  gitDir: string;
  /** The workspace, absolute and without links. */
  folder: string;
}

export interface SnapshotFacts {
  leftOut: LeftOut;
  /** Commits that were checked out: of the repository around the workspace (`""`), and of its submodules. */
  heads: Walked['heads'];
  ignored: Walked['ignored'];
  repositories: Walked['repositories'];
  /** Earlier releases left it out. */
  folders?: Walked['folders'];
  /** Earlier releases left it out. */
  git?: Walked['git'];
  isLimited: Walked['isLimited'];
  links?: RawPath[][];
  cutRules?: RawPath[];
  ignoredIsCut?: boolean;
  /** Permissions of files, in octal, other than 644 for plain and 755 for executable ones. */
  modes: Modes;
}

/** As they are in a message or a manifest: a path that is in no list of permissions has those of its kind in `usual`. */
export interface StoredFacts extends SnapshotFacts {
  usual?: Usual;
}

export function storeOf(directory: string, folder: string): SnapshotStore {
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  return { gitDir: join(directory, 'snapshots', name), folder };
}

/** The store of a workspace; made if it does not exist. */
export async function openStore(directory: string, cwd: string): Promise<SnapshotStore> {
  const store = await findStore(directory, cwd);
  if (opened.has(store.gitDir) && (await hasStore(store))) return store;
  makePrivateGitDir(store.gitDir);
  await replacePrivateFile(join(store.gitDir, 'workspace'), `${store.folder}\n`);
  opened.add(store.gitDir);
  return store;
}

/** Stores that this process has checked. */
const opened = new Set<string>();

export async function findStore(directory: string, cwd: string): Promise<SnapshotStore> {
  return storeOf(directory, await realpath(cwd).catch(() => cwd));
}

export type StoreGit = (
  args: readonly string[],
  more?: Pick<GitCall, 'input' | 'answers' | 'onStdout' | 'objects' | 'deadlineMs'>,
) => Promise<GitResult>;

/** Git in the store, without a work tree. */
export function gitOf({ gitDir }: SnapshotStore, signal: AbortSignal): StoreGit {
  return (args, more = {}) => runGit(args, { cwd: gitDir, gitDir, signal, ...more });
}

// -------------------------------------------------------------------------------------------------------------- reading

const TITLE = 'Bobbin snapshot';

export function toMessage(facts: StoredFacts): Buffer {
  return Buffer.from(`${TITLE}\n\n${JSON.stringify(facts)}\n`, 'latin1');
}

/** Null if the store does not have it. */
export async function readFacts(git: StoreGit, commit: string): Promise<SnapshotFacts | null> {
  const { code, stdout } = await git(['cat-file', 'commit', commit], { answers: [0, 1, 128] });
  if (code !== 0) return null;
  const text = stdout.toString('latin1');
  const [title, , line] = text.slice(text.indexOf('\n\n') + 2).split('\n');
  if (title !== TITLE || line === undefined) return null;
  const facts = JSON.parse(line) as StoredFacts;
  return facts.usual === undefined ? facts : fromStored(facts, await kindsIn(git, commit));
}

export interface TreeFile {
  /** Git's kind: plain, executable or link. */
  kind: string;
  id: string;
  path: RawPath;
}

/** The files of a commit or a tree. */
export async function listFiles(git: StoreGit, tree: string, more: Parameters<StoreGit>[1] = {}): Promise<TreeFile[]> {
  const { stdout } = await git(['ls-tree', '-r', '-z', tree], more);
  return toRawPaths(stdout).flatMap((line) => {
    const [, kind, id, path] = /^(\d+) blob (\w+)\t([^]*)$/.exec(line) ?? [];
    return kind === undefined || id === undefined || path === undefined ? [] : [{ kind, id, path }];
  });
}

export async function kindsIn(git: StoreGit, commit: string): Promise<Kinds> {
  return new Map((await listFiles(git, commit)).map(({ path, kind }) => [path, kind]));
}

/** @param toKinds of all files. */
export function toStored(facts: SnapshotFacts, toKinds: () => Kinds): StoredFacts {
  const { modes, folders = { empty: [], modes: {} } } = facts;
  const files = shorten(modes, toKinds);
  const around = shorten(folders.modes, () => foldersAround(toKinds().keys(), folders.empty));
  const usual = { ...files.usual, ...around.usual };
  if (Object.keys(usual).length === 0) return facts;
  return { ...facts, modes: files.modes, folders: { ...folders, modes: around.modes }, usual };
}

/** @param kinds of all files. */
export function fromStored({ usual, ...facts }: StoredFacts, kinds: Kinds): SnapshotFacts {
  if (usual === undefined) return facts;
  const { modes, folders = { empty: [], modes: {} } } = facts;
  const around = lengthen(folders.modes, usual, foldersAround(kinds.keys(), folders.empty));
  return { ...facts, modes: lengthen(modes, usual, kinds), folders: { ...folders, modes: around } };
}

// -------------------------------------------------------------------------------------------------------------- keeping

export interface SnapshotName {
  threadId: string;
  name: string;
}

/**
 * The commit is part of the name: two overlapping attempts each keep their own, whichever of them counts in the end.
 */
export async function keepUnder(store: SnapshotStore, { threadId, name }: SnapshotName, commit: string): Promise<void> {
  const path = join(store.gitDir, folderOf(threadId), toRefPart(name), commit);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replacePrivateFile(path, `${commit}\n`);
}

/** The snapshot under a name; the oldest of several. Null if there is none. */
export async function findKept(store: SnapshotStore, threadId: string, name: string): Promise<string | null> {
  const folder = join(store.gitDir, folderOf(threadId), toRefPart(name));
  const names = (await readdir(folder).catch(() => [])).filter((one) => !one.startsWith('.'));
  const aged = await Promise.all(names.map(async (one) => ({ one, at: (await stat(join(folder, one))).mtimeMs })));
  return aged.sort((a, b) => a.at - b.at)[0]?.one ?? null;
}

export async function releaseFrom(store: SnapshotStore, threadId: string, names: readonly string[] | 'all') {
  const folder = join(store.gitDir, folderOf(threadId));
  const going = names === 'all' ? [folder] : names.map((name) => join(folder, toRefPart(name)));
  for (const path of going) await rm(path, { recursive: true, force: true });
}

export async function hasStore({ gitDir }: SnapshotStore): Promise<boolean> {
  return stat(join(gitDir, 'HEAD')).then(
    () => true,
    () => false,
  );
}

function folderOf(threadId: string): string {
  return `refs/snapshots/${toRefPart(threadId)}`;
}

const LONGEST = 120;

/** An id as one part of the name of a reference; a long one keeps its beginning, for readers. */
export function toRefPart(id: string): string {
  const escaped = id.replace(/[^A-Za-z0-9_-]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
  if (escaped.length <= LONGEST) return escaped;
  return `${escaped.slice(0, 80)}%${createHash('sha256').update(id).digest('hex').slice(0, 32)}`;
}
