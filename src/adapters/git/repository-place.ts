/**
 * Where the parts of a repository lie, read from its files alone: no git is run, and of what is configured there nothing is
 * interpreted but the format of its ids.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

export interface RepositoryPlace {
  /** Top of its work tree, absolute; null for a bare repository. */
  root: string | null;
  /** Holds HEAD and the index. That of a linked work tree is its own. */
  gitDir: string;
  /** Holds references, objects and the configuration. */
  commonDir: string;
  /** Folders of objects, the first one its own. */
  objects: string[];
  objectFormat: 'sha1' | 'sha256';
}

/** Of the nearest repository upwards whose work tree holds the folder; null if there is none. */
export async function findRepositoryPlace(cwd: string): Promise<RepositoryPlace | null> {
  const start = await realpath(cwd).catch(() => null);
  if (start === null) return null;
  for (let folder = start; ; folder = dirname(folder)) {
    if (basename(folder) === '.git') return null;
    const place = await readPlace(join(folder, '.git'), folder);
    if (place !== null) return place;
    if (folder === dirname(folder)) return null;
  }
}

/** Of the repository at exactly this path, as `git fetch` finds it; null if there is none. */
export async function readRepositoryAt(path: string): Promise<RepositoryPlace | null> {
  const at = await realpath(path).catch(() => realpath(`${path}.git`).catch(() => null));
  if (at === null) return null;
  const withTree = await readPlace(join(at, '.git'), at);
  return withTree ?? (await readPlace(at, null));
}

async function readPlace(gitPath: string, root: string | null): Promise<RepositoryPlace | null> {
  const gitDir = await resolveGitDir(gitPath);
  if (gitDir === null) return null;
  const common = await readSmallFile(join(gitDir, 'commondir'));
  const commonDir = common === null ? gitDir : resolve(gitDir, common.trimEnd());
  const own = join(commonDir, 'objects');
  const parts = [join(gitDir, 'HEAD'), own, join(commonDir, 'refs')];
  if ((await Promise.all(parts.map(statOf))).includes(null)) return null;
  const config = (await readSmallFile(join(commonDir, 'config'))) ?? '';
  const objectFormat = /^\s*objectformat\s*=\s*"?sha256\b/im.test(config) ? 'sha256' : 'sha1';
  return { root, gitDir, commonDir, objects: [own, ...(await relativeAlternates(own))], objectFormat };
}

/** A folder, or a file that leads to one: that of a linked work tree, or of a submodule. */
async function resolveGitDir(path: string): Promise<string | null> {
  const stats = await statOf(path);
  if (stats?.isDirectory()) return path;
  if (!stats?.isFile()) return null;
  const target = /^gitdir: ([^\n]+)/.exec((await readSmallFile(path)) ?? '')?.[1];
  return target === undefined ? null : resolve(dirname(path), target.trimEnd());
}

/** Git follows these of a repository itself only. */
async function relativeAlternates(objects: string): Promise<string[]> {
  const lines = ((await readSmallFile(join(objects, 'info', 'alternates'))) ?? '').split('\n');
  return lines.filter((line) => /^[^/#"\s]/.test(line)).map((line) => resolve(objects, line));
}

async function statOf(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}

const SMALL_BYTES = 1024 * 1024;

/** Null for what is no file, or cannot be read. A pipe is not waited for. */
export async function readSmallFile(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > SMALL_BYTES) return null;
    return await file.readFile('utf8');
  } catch {
    return null;
  } finally {
    await file.close();
  }
}

/** Whether something is at a path, a link that leads nowhere included. */
export async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}
