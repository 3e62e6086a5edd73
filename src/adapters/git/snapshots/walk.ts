/**
 * The files of a workspace that a snapshot contains, and those that it leaves out, with the reason. Reads the folder,
 * and opens no file except `.gitignore`.
 */
import { type Dirent, type Stats, readdirSync } from 'node:fs';
import { Failure } from '../../../../activities/failures.ts';
import type { RawPath } from '../process/git-process.ts';
import { type IgnoreFile, MAX_IGNORE_BYTES, countBytes, isIgnored, parseIgnoreFile } from '../ignore/ignore-rules.ts';
import { MAX_UNTRACKED_BYTES, isBuildFolder, isWithin, largeFolders } from '../ignore/left-out.ts';
import type { Entry } from './entry.ts';
import { readPlainBeginning } from '../process/plain-file.ts';
import { foldersOf, readTrackedBelow, toFileName } from '../repository/repository-data.ts';
import { readRepositoryStates } from '../repository/repository-state.ts';
import type { Slices } from '../process/slices.ts';
import {
  type WalkOptions,
  type Walked,
  type Walker,
  isOurs,
  isTooDeep,
  isTooLong,
  leaveOut,
  lookAt,
  toIdentity,
  toPlaces,
} from './walked.ts';

/** A larger workspace cannot be stored before every turn. */
const MAX_FILES = 200_000;
const MAX_TRACKED_BYTES = 256 * 1024 * 1024;
/** Number of entries from which on an untracked folder is not even read. */
const CROWD = 5_000;

export async function walk(folder: string, options: WalkOptions, slices: Slices): Promise<Walked> {
  const { apart, closed, known, since } = options;
  const now = await readTrackedBelow(folder, closed, slices);
  const tracked = since === undefined ? now : { ...now, files: since.paths, folders: toFolders(since.paths) };
  const isLimited = since?.isLimited ?? now.files.size > 0;
  const ours = new Set(apart.flatMap(toIdentity));
  const found = {
    files: new Set<RawPath>(),
    changed: [],
    leftOut: {},
    ignored: noPaths(),
    repositories: [],
    folders: { empty: [], modes: {} },
    links: new Map<string, RawPath[]>(),
  };
  const walker: Walker = {
    ...{
      folder,
      tracked,
      isLimited,
      since,
      ours,
      slices,
      denied: toPlaces(
        folder,
        closed.filter((path) => !apart.includes(path)),
      ),
    },
    ...{
      ...found,
      known,
      untracked: new Map(),
      seen: 0,
      seenTracked: 0,
      ignoredSeen: 0,
      linked: 0,
      cutRules: now.cutRules,
    },
  };
  await walkFolder(walker, '', tracked.rules);
  await addTracked(walker);
  await chooseUntracked(walker);
  const { files, changed, leftOut, ignored, repositories, folders, links, cutRules } = walker;
  const git = await readRepositoryStates(folder, repositories, closed, slices);
  return {
    ...{ files, changed, leftOut, heads: now.heads, ignored, repositories, folders, git, isLimited },
    ...(links.size > 0 ? { links: [...links.values()].map((paths) => paths.sort()).sort() } : {}),
    ...(walker.ignoredSeen > MAX_IGNORED ? { ignoredIsCut: true } : {}),
    ...(cutRules.length > 0 ? { cutRules } : {}),
  };
}

function toFolders(paths: ReadonlySet<RawPath>): Set<RawPath> {
  const folders = new Set<RawPath>();
  for (const path of paths) {
    if (!folders.has(path.slice(0, path.lastIndexOf('/') + 1))) for (const one of foldersOf(path)) folders.add(one);
  }
  return folders;
}

async function walkFolder(walker: Walker, at: RawPath, above: readonly IgnoreFile[]): Promise<void> {
  const { tracked } = walker;
  const entries = listFolder(walker, at);
  const own = await readRulesIn(walker, at, entries);
  const rules = own === null ? above : [...above, parseIgnoreFile(own.toString('latin1'), tracked.prefix + at, above)];
  if (rules !== above && rules.at(-1)?.isCut === true) walker.cutRules.push(`${at}.gitignore`);
  const effort = 1 + Math.floor(countBytes(rules) / RULE_BYTES_PER_STEP);
  const isWild = walker.isLimited && at !== '' && !tracked.folders.has(at);
  if (isWild && entries.length >= CROWD) {
    leaveOut(walker, 'manyFiles', at);
    return;
  }
  noteFolder(walker, at, entries.length === 0);
  for (const entry of entries) {
    if (walker.slices.isOver(effort)) await walker.slices.rest();
    const path = at + entry.name;
    if (walker.denied.has(path)) leaveOut(walker, 'denied', entry.isDirectory() ? `${path}/` : path);
    else if (entry.name === '.git') walker.repositories.push(at);
    else if (entry.name.length === 4 && entry.name.toLowerCase() === '.git')
      leaveOut(walker, 'gitNames', entry.isDirectory() ? `${path}/` : path);
    else if (entry.isDirectory()) await walkEntry(walker, path, entry.name, rules);
    else if (tracked.files.has(path)) take(walker, path, true);
    else if (!isIgnored(rules, tracked.prefix + path, false)) take(walker, path, false);
    else passOver(walker, path, path);
  }
}

function noteFolder({ folder, folders }: Walker, at: RawPath, isEmpty: boolean): void {
  const stats = at === '' ? undefined : lookAt(folder, at.slice(0, -1));
  if (stats?.isDirectory() !== true) return;
  if (isEmpty) folders.empty.push(at);
  const mode = stats.mode & 0o7777;
  if (mode !== 0o755) (folders.modes[mode.toString(8)] ??= []).push(at);
}

/** The cost of a rule grows with its length. */
const RULE_BYTES_PER_STEP = 2_000;

async function readRulesIn({ folder, since }: Walker, at: RawPath, entries: readonly Dirent[]) {
  const path = `${at}.gitignore`;
  const isThere = entries.some(({ name }) => name === '.gitignore');
  const onDisk = isThere ? await readPlainBeginning(toFileName(folder, path), MAX_IGNORE_BYTES + 1) : null;
  return since === undefined ? onDisk : since.rulesOf(path, onDisk);
}

async function walkEntry(walker: Walker, path: RawPath, name: RawPath, rules: readonly IgnoreFile[]): Promise<void> {
  const { tracked } = walker;
  const at = `${path}/`;
  if (isOurs(walker, path)) return;
  if (isTooDeep(at)) {
    leaveOut(walker, 'deep', at);
    return;
  }
  if (isIgnored(rules, tracked.prefix + path, true)) passOver(walker, path, at);
  else if (isBuildFolder(name) && !tracked.folders.has(at)) leaveOut(walker, 'build', at);
  else await walkFolder(walker, at, rules);
}

/** Ignored paths that are remembered, to find those that change. */
const MAX_IGNORED = 500;

/** A file may have any name, including `__proto__`. */
function noPaths(): Record<RawPath, string> {
  return Object.create(null) as Record<RawPath, string>;
}

function passOver(walker: Walker, path: RawPath, shown: RawPath): void {
  walker.ignoredSeen += 1;
  if (walker.ignoredSeen > MAX_IGNORED) return;
  const stats = lookAt(walker.folder, path);
  if (stats !== undefined) walker.ignored[shown] = `${stats.ctimeMs} ${stats.size}`;
}

function listFolder(walker: Walker, at: RawPath): Dirent[] {
  try {
    return readdirSync(toFileName(walker.folder, at), { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') leaveOut(walker, 'unreadable', at);
    else if (code === 'ENAMETOOLONG') leaveOut(walker, 'deep', at);
    else if (!['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) throw error;
    return [];
  }
}

/** Tracked files that the rules have skipped. */
async function addTracked(walker: Walker): Promise<void> {
  const { folder, tracked, files, seenTracked, slices } = walker;
  if (seenTracked === tracked.files.size) return;
  const folders = new Map<RawPath, boolean>();
  const isFolder = (path: RawPath): boolean => {
    const known = folders.get(path) ?? lookAt(folder, path.slice(0, -1))?.isDirectory() ?? false;
    folders.set(path, known);
    return known && !isOurs(walker, path.slice(0, -1));
  };
  for (const path of tracked.files) {
    if (files.has(path)) continue;
    if (slices.isOver()) await slices.rest();
    if (isWithin(path, walker.denied)) leaveOut(walker, 'denied', path);
    else if (isTooDeep(path)) leaveOut(walker, 'deep', path);
    else if (foldersOf(path).every(isFolder)) take(walker, path, true);
  }
}

function take(walker: Walker, path: RawPath, isTracked: boolean): void {
  if (isTracked) walker.seenTracked += 1;
  const stats = lookAt(walker.folder, path);
  if (stats === undefined && isTooLong(walker.folder, path)) leaveOut(walker, 'deep', path);
  if (stats === undefined || stats.isDirectory()) return;
  walker.seen += 1;
  if (!stats.isFile() && !stats.isSymbolicLink()) leaveOut(walker, 'special', path);
  else if (isTracked) keep(walker, path, stats);
  else walker.untracked.set(path, stats);
  if (walker.seen > MAX_FILES) {
    const message = `${walker.folder} has more than ${MAX_FILES} files that are neither ignored nor left out.`;
    throw new Failure('gitFailed', message, { details: { path: walker.folder } });
  }
}

function keep(walker: Walker, path: RawPath, stats: Stats): void {
  if (stats.size > MAX_TRACKED_BYTES) leaveOut(walker, 'huge', path);
  else {
    walker.files.add(path);
    if (stats.nlink > 1) noteLink(walker, path, stats);
    if (!isAsKnown(walker.known?.get(path), stats)) walker.changed.push(path);
  }
}

/** Paths of files with more than one hard link that are remembered. */
const MAX_LINKED = 500;

function noteLink(walker: Walker, path: RawPath, { dev, ino }: Stats): void {
  const file = `${dev}:${ino}`;
  walker.linked += 1;
  if (walker.linked <= MAX_LINKED) walker.links.set(file, [...(walker.links.get(file) ?? []), path]);
}

function isAsKnown(entry: Entry | undefined, stats: Stats): boolean {
  if (entry === undefined) return false;
  const { mode, size, mtimeMs, ctimeMs, ino } = entry;
  const same = size === stats.size && mtimeMs === stats.mtimeMs && ctimeMs === stats.ctimeMs;
  return same && ino === stats.ino && mode === stats.mode;
}

async function chooseUntracked(walker: Walker): Promise<void> {
  const { tracked, isLimited, untracked, leftOut, slices } = walker;
  const large = largeFolders(isLimited ? [...untracked.keys()] : [], (path) => tracked.folders.has(path));
  for (const path of large) leaveOut(walker, 'manyFiles', path);
  const places = new Set([...large, ...(leftOut.manyFiles ?? [])]);
  for (const [path, stats] of untracked) {
    if (slices.isOver()) await slices.rest();
    if (places.size > 0 && isWithin(path, places)) continue;
    if (stats.size > MAX_UNTRACKED_BYTES && stats.size <= MAX_TRACKED_BYTES) leaveOut(walker, 'large', path);
    else keep(walker, path, stats);
  }
}
