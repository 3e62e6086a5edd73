/**
 * The folder of a skill. Everything is opened name by name, relative to open folders and without following a link, so
 * that nothing outside of it is read, even if it is changed meanwhile.
 */
import { createHash } from 'node:crypto';
import { type SafeFolder, ignoring } from '../files/safe-folder.ts';
import { SKILL_FILE, SKILL_FILE_BYTES, SkillFault, toText } from './skill-file.ts';

/** Files and folders. */
const MAX_ENTRIES = 500;
const MAX_DEPTH = 8;
const MAX_BYTES = 8 * 1024 * 1024;
/** Names of files that a model gets with SKILL.md. */
const SHOWN_FILES = 100;

export interface SkillContent {
  /** Bytes of each file, by its path relative to the folder. */
  sizes: Map<string, number>;
  /** What is in them: of all of them, or of SKILL.md only. */
  files: Map<string, Buffer>;
  sha256: string;
}

/**
 * All files of a folder, and a hash of them: SHA-256 over a line for each file in the order of their paths, with the
 * SHA-256 of its bytes, whether it is executable, and its path as JSON. Throws a `SkillFault` for a folder with something else
 * than files and folders in it, with a hard link, or with too much. @param keeps whether all files stay in memory
 */
export async function readWhole(folder: SafeFolder, keeps: boolean, signal?: AbortSignal): Promise<SkillContent> {
  const sizes = new Map<string, number>();
  const files = new Map<string, Buffer>();
  const lines: string[] = [];
  let left = MAX_BYTES;
  for await (const { path, within, name } of walk(folder)) {
    signal?.throwIfAborted();
    if (within === null) throw new SkillFault(`${path} in it is neither a file nor a folder`);
    const { content: bytes, stats } = await within.readWithStats(name, left + 1);
    // Any file of the machine may be known by a second name.
    if (stats.nlink > 1) throw new SkillFault(`${path} in it has a second name, as a hard link`);
    left -= bytes.length;
    if (left < 0) throw new SkillFault(`it has more than ${MAX_BYTES} bytes`);
    sizes.set(path, bytes.length);
    if (keeps || path === SKILL_FILE) files.set(path, bytes);
    // A name may contain anything but a slash; as JSON it is on one line.
    lines.push(`${sha256(bytes)} ${(stats.mode & 0o100) !== 0 ? 'x' : '-'} ${JSON.stringify(path)}\n`);
  }
  return { sizes, files, sha256: sha256(lines.sort().join('')) };
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The first files of a folder by name. What is neither a file nor a folder is left out. */
export async function listFiles(folder: SafeFolder): Promise<{ files: string[]; moreFiles: boolean }> {
  const files: string[] = [];
  try {
    for await (const { path, within } of walk(folder)) if (within !== null) files.push(path);
    return toListed(files);
  } catch (error) {
    if (error instanceof SkillFault) return { ...toListed(files), moreFiles: true };
    throw error;
  }
}

/** Those that are named to a model beside SKILL.md. */
export function toListed(paths: readonly string[]): { files: string[]; moreFiles: boolean } {
  const others = paths.filter((path) => path !== SKILL_FILE);
  return { files: others.slice(0, SHOWN_FILES), moreFiles: others.length > SHOWN_FILES };
}

/** SKILL.md of a folder, or its first bytes. */
export async function readSkillFile(folder: SafeFolder): Promise<Buffer> {
  const bytes = await folder.read(SKILL_FILE, SKILL_FILE_BYTES).catch(ignoring('ENOENT'));
  if (bytes === undefined) throw new SkillFault(`it has no ${SKILL_FILE}`);
  return bytes;
}

/** Rejects with the error of the file system. @param path relative, without `..` */
export async function readInside(folder: SafeFolder, path: string, most: number): Promise<Buffer> {
  const [first = '', ...others] = path.split('/');
  if (others.length === 0) return folder.read(first, most);
  const inner = await folder.enter(first);
  try {
    return await readInside(inner, others.join('/'), most);
  } finally {
    await inner.close();
  }
}

interface Entry {
  path: string;
  name: Buffer;
  /** The open folder that it is in, until the next entry is asked for; null if it is not a regular file. */
  within: SafeFolder | null;
}

/** The files of a folder and of those in it. Throws a `SkillFault` if there is too much to look at. */
async function* walk(
  folder: SafeFolder,
  above = '',
  rest = { entries: MAX_ENTRIES, depth: MAX_DEPTH },
): AsyncGenerator<Entry> {
  if (rest.depth === 0) throw new SkillFault(`it has more than ${MAX_DEPTH} folders in each other`);
  const names = await folder.listSome(rest.entries + 1);
  rest.entries -= names.length;
  if (rest.entries < 0) throw new SkillFault(`it has more than ${MAX_ENTRIES} files and folders`);
  for (const name of names.sort((one, other) => Buffer.compare(one, other))) {
    const shown = toText(name);
    if (shown === null) throw new SkillFault('the name of a file in it is not UTF-8');
    const path = `${above}${shown}`;
    const stats = await folder.lstat(name);
    if (stats?.isDirectory() !== true) {
      yield { path, name, within: stats?.isFile() === true ? folder : null };
      continue;
    }
    const inner = await folder.enter(name);
    rest.depth -= 1;
    try {
      yield* walk(inner, `${path}/`, rest);
    } finally {
      rest.depth += 1;
      await inner.close();
    }
  }
}
