/** The index of a repository, read as data: the tracked paths. Runs no git, and writes nothing. */
import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RawPath } from '../process/git-process.ts';
import { readPlainFile } from '../process/plain-file.ts';
import type { Slices } from '../process/slices.ts';

export interface TrackedFile {
  path: RawPath;
  isSubmodule: boolean;
}

export interface Index {
  files: readonly TrackedFile[];
  /** Changes when something else is staged, but not with times that git only caches. `''` if there is no index. */
  digest: string;
}

const NO_INDEX: Index = { files: [], digest: '' };

const MAX_INDEX_BYTES = 512 * 1024 * 1024;
/** Bytes of all names together. Version 4 stores a name as its difference from the one before, so a small file can hold many. */
const MAX_NAME_BYTES = 512 * 1024 * 1024;
/** The kernel accepts no longer path. */
const MAX_PATH_BYTES = 4_096;

/** The last results, by path, with a value that changes with every write of the file. */
const remembered = new Map<string, { state: string; index: Index }>();
const REMEMBERED = 8;
/** A file that was written less than this time ago may be written again without a visible change of its times. */
const RACY_MS = 50;

/** Empty if it is missing or cannot be read as an index. The same object as before if nobody has written it since. */
export async function readIndex(gitDir: string, hashBytes: number, slices: Slices): Promise<Index> {
  const path = join(gitDir, 'index');
  const state = await stateOf(path);
  const known = remembered.get(path);
  if (state !== null && known?.state === state) return known.index;
  const content = await readPlainFile(path, MAX_INDEX_BYTES);
  if (content === null) return NO_INDEX;
  try {
    const { base, ...index } = await parseIndex(content, hashBytes, slices);
    if (base === null) {
      if (state !== null) remember(path, state, index);
      return index;
    }
    // Names that were removed from the shared part are included: they count as tracked a little longer.
    const shared = await readPlainFile(join(gitDir, `sharedindex.${base}`), MAX_INDEX_BYTES);
    if (shared === null) return index;
    const { files, digest } = await parseIndex(shared, hashBytes, slices);
    return { files: [...files, ...index.files], digest: `${index.digest} ${digest}` };
  } catch (error) {
    if (error instanceof RangeError) return NO_INDEX;
    throw error;
  }
}

async function stateOf(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null || Math.max(stats.mtimeMs, stats.ctimeMs) > Date.now() - RACY_MS) return null;
  return [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join(' ');
}

function remember(path: string, state: string, index: Index): void {
  remembered.delete(path);
  remembered.set(path, { state, index });
  const [oldest] = remembered.keys();
  if (remembered.size > REMEMBERED && oldest !== undefined) remembered.delete(oldest);
}

const STAT_BYTES = 40;
const MODE_AT = 24;
const EXTENDED = 0x4000;
const SUBMODULE = 0o160000;

interface Parsed extends Index {
  /** Id of the shared index that this one modifies. */
  base: string | null;
}

/** See gitformat-index(5). Rejects with a RangeError if it is cut off or is not an index. */
async function parseIndex(content: Buffer, hashBytes: number, slices: Slices): Promise<Parsed> {
  const version = content.readUInt32BE(4);
  if (content.toString('latin1', 0, 4) !== 'DIRC' || version < 2 || version > 4) throw new RangeError('not an index');
  const files: TrackedFile[] = [];
  const hash = createHash('sha1');
  let at = 12;
  let path = '';
  let names = 0;
  for (let left = content.readUInt32BE(8); left > 0; left--) {
    if (slices.isOver()) await slices.rest();
    const isSubmodule = content.readUInt32BE(at + MODE_AT) === SUBMODULE;
    const flagsAt = at + STAT_BYTES + hashBytes;
    let nameAt = flagsAt + ((content.readUInt16BE(flagsAt) & EXTENDED) === 0 ? 2 : 4);
    let kept = '';
    if (version === 4) {
      const cut = readVariable(content, nameAt);
      kept = path.slice(0, path.length - cut.value);
      nameAt = cut.end;
    }
    const end = content.indexOf(0, nameAt);
    if (end === -1) throw new RangeError('a name without an end');
    path = kept + content.toString('latin1', nameAt, end);
    names += path.length;
    if (path.length > MAX_PATH_BYTES || names > MAX_NAME_BYTES) throw new RangeError('names without end');
    hash.update(content.subarray(at + MODE_AT, at + MODE_AT + 4)).update(content.subarray(at + STAT_BYTES, end + 1));
    if (path !== '' && !path.endsWith('/')) files.push({ path, isSubmodule });
    at = version === 4 ? end + 1 : at + Math.ceil((end - at + 1) / 8) * 8;
  }
  const digest = hash.digest('hex').slice(0, 12);
  return { files, digest, base: findBase(content, at, hashBytes) };
}

function readVariable(content: Buffer, start: number): { value: number; end: number } {
  let at = start;
  let byte = content.readUInt8(at++);
  let value = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = content.readUInt8(at++);
    value = (value + 1) * 128 + (byte & 0x7f);
  }
  return { value, end: at };
}

function findBase(content: Buffer, start: number, hashBytes: number): string | null {
  for (let at = start; at + 8 <= content.length - hashBytes;) {
    const size = content.readUInt32BE(at + 4);
    if (content.toString('latin1', at, at + 4) === 'link') {
      const base = content.subarray(at + 8, at + 8 + hashBytes).toString('hex');
      return /^0+$/.test(base) ? null : base;
    }
    at += 8 + size;
  }
  return null;
}
