/**
 * The facts about the repositories of a workspace that a snapshot needs, read from their files as data: no git runs in
 * them, and their configuration is ignored.
 */
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import { type IgnoreFile, MAX_IGNORE_BYTES, parseIgnoreFile } from '../ignore/ignore-rules.ts';
import { type Index, readIndex } from './index-file.ts';
import { readPlainBeginning, readPlainFile } from '../process/plain-file.ts';
import { type ClosedFolders, type WorkTreePlace, findRepository, repositoryAt } from './repository-place.ts';
import type { Slices } from '../process/slices.ts';

const SMALL_BYTES = 64 * 1024;
const PACKED_REFS_BYTES = 64 * 1024 * 1024;

async function readLine(path: string): Promise<string | null> {
  return (await readPlainFile(path, SMALL_BYTES))?.toString('utf8').split('\n')[0]?.trim() ?? null;
}

/** The commit that is checked out; null if there is none, or if it is stored in a form that is not supported here. */
async function readHeadOf({ gitDir, commonDir }: WorkTreePlace): Promise<string | null> {
  const head = (await readLine(join(gitDir, 'HEAD'))) ?? '';
  const ref = /^ref: (refs\/.+)$/.exec(head)?.[1];
  if (ref === undefined) return toId(head);
  if (ref.split('/').includes('..')) return null;
  const loose = (await readLine(join(gitDir, ref))) ?? (await readLine(join(commonDir, ref)));
  if (loose !== null) return toId(loose);
  const packed = (await readPlainFile(join(commonDir, 'packed-refs'), PACKED_REFS_BYTES))?.toString('latin1') ?? '';
  return toId(packed.split('\n').find((line) => line.endsWith(` ${ref}`)) ?? '');
}

function toId(text: string): string | null {
  return /^[0-9a-f]{40,64}(?= |$)/.exec(text)?.[0] ?? null;
}

export interface Tracked {
  /** Relative to the requested folder. */
  files: ReadonlySet<RawPath>;
  /** Every folder with a tracked file below it, with a slash. */
  folders: ReadonlySet<RawPath>;
  /** The current checkout of the repository around the folder (`""`) and of each of its submodules. */
  heads: Record<RawPath, string | null>;
  /** From the root of the repository to the folder, with a slash at its end; the base of every rule begins with it. */
  prefix: RawPath;
  /** Rules of the person and of folders around this one, outermost first. */
  rules: IgnoreFile[];
  /** Files of those rules that were not read completely. */
  cutRules: RawPath[];
}

/** How many levels of submodules are read. */
const MAX_DEPTH = 5;

export async function readTrackedBelow(folder: string, closed: ClosedFolders, slices: Slices): Promise<Tracked> {
  const own: RuleFiles = { rules: [], cutRules: [] };
  await addOwnRules(own);
  const place = findRepository(folder, closed, 'index');
  if (place === null) return { files: new Set(), folders: new Set(), heads: {}, prefix: '', ...own };
  const inside = toRaw(relative(place.root, folder));
  const tracked = await readRepository(place, { inside, depth: MAX_DEPTH, closed }, slices);
  await addRulesAround(own, place, inside);
  return { ...tracked, prefix: inside === '' ? '' : `${inside}/`, ...own };
}

type Found = Pick<Tracked, 'files' | 'folders' | 'heads'>;

interface Bounds {
  /** The relevant part of the repository. */
  inside: RawPath;
  /** How many levels of its submodules are read. */
  depth: number;
  closed: ClosedFolders;
}

async function readRepository(place: WorkTreePlace, bounds: Bounds, slices: Slices): Promise<Found> {
  const { inside, depth, closed } = bounds;
  const { files, folders, submodules } = await readPart(place, inside, slices);
  const heads: Found['heads'] = { '': await readHeadOf(place) };
  const prefix = inside === '' ? '' : `${inside}/`;
  const all: { files: Set<RawPath>; folders: Set<RawPath> }[] = [];
  for (const at of depth === 0 ? [] : submodules) {
    const below = repositoryAt(join(place.root, Buffer.from(prefix + at, 'latin1').toString()), closed, 'index');
    if (below === null) continue;
    const found = await readRepository(below, { inside: '', depth: depth - 1, closed }, slices);
    const within = (paths: ReadonlySet<RawPath>) => new Set([...paths].map((path) => `${at}/${path}`));
    all.push({ files: within(found.files), folders: within(found.folders).add(`${at}/`) });
    for (const [path, head] of Object.entries(found.heads)) heads[path === '' ? `${at}/` : `${at}/${path}`] = head;
  }
  if (all.length === 0) return { files, folders, heads };
  const union = (own: ReadonlySet<RawPath>, others: Set<RawPath>[]) =>
    new Set([...own, ...others.flatMap((one) => [...one])]);
  return {
    files: union(
      files,
      all.map((one) => one.files),
    ),
    folders: union(
      folders,
      all.map((one) => one.folders),
    ),
    heads,
  };
}

/** The part of an index below a folder, with paths relative to it. */
interface Part {
  files: ReadonlySet<RawPath>;
  folders: ReadonlySet<RawPath>;
  submodules: readonly RawPath[];
}

/** Of the indexes that were read last. Each read of a file makes an object of its own, so the object says which one it was. */
const parts = new WeakMap<Index, Map<RawPath, Part>>();

async function readPart(place: WorkTreePlace, inside: RawPath, slices: Slices): Promise<Part> {
  const hashBytes = place.objectFormat === 'sha256' ? 32 : 20;
  const index = await readIndex(place.gitDir, hashBytes, slices);
  const ofIndex = parts.get(index) ?? new Map<RawPath, Part>();
  parts.set(index, ofIndex);
  const part = ofIndex.get(inside) ?? (await toPart(index, inside === '' ? '' : `${inside}/`, slices));
  ofIndex.set(inside, part);
  return part;
}

async function toPart({ files }: Index, prefix: RawPath, slices: Slices): Promise<Part> {
  const part = { files: new Set<RawPath>(), folders: new Set<RawPath>(), submodules: [] as RawPath[] };
  for (const { path, isSubmodule } of files) {
    if (slices.isOver()) await slices.rest();
    if (!path.startsWith(prefix) || UNSAFE.test(path)) continue;
    const own = path.slice(prefix.length);
    if (!part.folders.has(own.slice(0, own.lastIndexOf('/') + 1)))
      for (const around of foldersOf(own)) part.folders.add(around);
    if (isSubmodule) part.submodules.push(own);
    else part.files.add(own);
  }
  return part;
}

/** A hand-made index may contain any path. */
const UNSAFE = /(^|\/)(\.\.?|\.git|)(\/|$)/i;

/** `a/b/c` and `a/b/c/` are in `a/` and `a/b/`. */
export function foldersOf(path: RawPath): RawPath[] {
  const folders: RawPath[] = [];
  for (let at = path.indexOf('/'); at !== -1 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
    folders.push(path.slice(0, at + 1));
  }
  return folders;
}

type RuleFiles = Pick<Tracked, 'rules' | 'cutRules'>;

/** The person's own rules, which apply to every repository. */
async function addOwnRules(found: RuleFiles): Promise<void> {
  const config = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  await addRules(found, join(config, 'git/ignore'), '');
}

async function addRulesAround(found: RuleFiles, { root, commonDir }: WorkTreePlace, inside: RawPath): Promise<void> {
  await addRules(found, join(commonDir, 'info/exclude'), '');
  for (const base of inside === '' ? [] : ['', ...foldersOf(inside)])
    await addRules(found, toFileName(root, `${base}.gitignore`), base);
}

async function addRules({ rules, cutRules }: RuleFiles, path: string | Buffer, base: RawPath): Promise<void> {
  // One more byte reveals that the file is longer.
  const content = await readPlainBeginning(path, MAX_IGNORE_BYTES + 1);
  if (content === null) return;
  const file = parseIgnoreFile(content.toString('latin1'), base, rules);
  rules.push(file);
  if (file.isCut) cutRules.push(toRaw(path.toString()));
}

const OTHER_THAN_ASCII = /[\u0080-\u00ff]/;

/** A raw path as the file system accepts it. */
export function toFileName(folder: string, path: RawPath): string | Buffer {
  if (!OTHER_THAN_ASCII.test(path)) return folder.endsWith('/') ? `${folder}${path}` : `${folder}/${path}`;
  return Buffer.concat([Buffer.from(join(folder, '/')), Buffer.from(path, 'latin1')]);
}

export function toRaw(path: string): RawPath {
  return Buffer.from(path).toString('latin1');
}
