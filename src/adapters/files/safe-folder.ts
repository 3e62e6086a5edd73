/**
 * Folders that others may change at the same time.
 *
 * A path may lead elsewhere between its check and its use: any folder on it may have become a symbolic link. So a
 * folder is opened name by name, without following links, and its entries are addressed relative to the open folder:
 * the operation always happens in the folder that was opened, wherever it is moved and whatever replaces it.
 *
 * On Linux an entry is addressed as `/proc/self/fd/N/NAME`. Elsewhere Node offers no equivalent, and entries are
 * addressed by path: before and after each operation every folder on the path must be the one that was opened. That
 * detects a swap that lasts. It does not detect a folder that is swapped after the first check and swapped back before
 * the second.
 *
 * Hard links look like other files. A file is never written in place, so the target of a hard link stays unchanged.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type BigIntStats, type Stats, closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  open,
  opendir,
  readdir,
  readlink,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
} from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** One name, without a slash. Bytes if it may not be UTF-8. */
export type EntryName = string | Buffer;

export interface WriteOptions {
  /** Permission bits, and the owner if this process may change it. Default: those of a new file. */
  like?: { mode: number; uid: number; gid: number };
  /** Waits until the disk has it, so that it survives a power failure. */
  durable?: boolean;
  /**
   * The action that it belongs to, for a draft that a killed process may leave: the next write of the same file by the
   * same action replaces that draft, and `removeDraft` removes it.
   */
  actionId?: string;
}

/**
 * Opens a folder by its absolute path. Rejects if a part of it is a symbolic link (`ENOTDIR`) or missing (`ENOENT`): to
 * allow links, resolve them first (`realpath`) and decide about the result.
 * @param options.create makes the missing folders.
 */
export async function openFolder(path: string, { create = false } = {}): Promise<SafeFolder> {
  let folder = await openTop();
  for (const name of path.split('/').filter((part) => part !== '')) {
    const above = folder;
    try {
      folder = await (create ? enterOrMake(above, name) : above.enter(name));
    } finally {
      await above.close();
    }
  }
  return folder;
}

async function enterOrMake(above: SafeFolder, name: string): Promise<SafeFolder> {
  const found = await above.enter(name).catch(ignoring('ENOENT'));
  if (found !== undefined) return found;
  await above.mkdir(name).catch(ignoring('EEXIST'));
  return await above.enter(name);
}

/** Runs an operation in a folder and closes the folder. */
export async function inFolder<T>(
  path: string,
  act: (folder: SafeFolder) => Promise<T>,
  options: { create?: boolean } = {},
): Promise<T> {
  const folder = await openFolder(path, options);
  try {
    return await act(folder);
  } finally {
    await folder.close();
  }
}

/** Like the errors of the file system, it has a `code`. `EFTYPE`: an entry is not a regular file. `EBUSY`: it was swapped. */
function toError(code: string, path: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}, '${path}'`), { code, path });
}

/** The same error with the original path. */
function withPath(error: unknown, base: string, path: string): unknown {
  if (error instanceof Error && base !== path) error.message = error.message.replaceAll(base, path === '/' ? '' : path);
  return error;
}

export function ignoring(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  };
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Only looks up names, so it needs no permission to list the folder. Linux; Node has no constant for it. */
const O_PATH = 0o10000000;
const CHUNK_BYTES = 64 * 1024;

interface Place {
  path: string;
  dev: bigint;
  ino: bigint;
}

/** An open folder. Every operation takes one name in it, never follows a link, and rejects as the file system does. */
export class SafeFolder {
  /** Absolute; the folder's path when it was opened. For messages. */
  readonly path: string;
  readonly #handle: FileHandle;
  /** The folder and those above it, if entries must be addressed by path; empty on Linux. */
  readonly #places: readonly Place[];

  /** Use `openFolder` and `enter`. */
  constructor(path: string, handle: FileHandle, places: readonly Place[]) {
    this.path = path;
    this.#handle = handle;
    this.#places = places;
  }

  get #base(): string {
    return this.#places.length > 0 ? this.path : toDescriptorPath(this.#handle);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  async enter(name: EntryName): Promise<SafeFolder> {
    const byPath = this.#places.length > 0;
    const flags = O_DIRECTORY | O_NOFOLLOW | (byPath ? O_RDONLY : O_PATH);
    const handle = await this.#open(name, flags);
    const path = join(this.path, name.toString());
    if (!byPath) return new SafeFolder(path, handle, []);
    return new SafeFolder(path, handle, [...this.#places, toPlace(path, await handle.stat({ bigint: true }))]);
  }

  /** Gives its owner all permissions to the folder, and nobody else any. */
  async openToOwner(): Promise<void> {
    await this.chmod(0o700);
  }

  async chmod(mode: number): Promise<void> {
    await this.#assertInPlace();
    await chmod(this.#base, mode);
  }

  /** Undefined if there is no such entry. */
  lstat(name: EntryName): Promise<Stats | undefined> {
    return this.#at(name, (path) => lstat(path)).catch(ignoring('ENOENT'));
  }

  /** Opens a regular file for reading. Refuses a pipe, a device or a link without waiting for it. */
  async openFile(name: EntryName): Promise<{ file: FileHandle; stats: Stats }> {
    const file = await this.#open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw toError('EFTYPE', this.#show(name), 'not a regular file');
      return { file, stats };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * The whole content of a regular file, read synchronously. Null for anything else, for one that is larger or cannot
   * be read, and if entries must be addressed by path.
   */
  readNow(name: EntryName, maxBytes: number): { content: Buffer; stats: Stats } | null {
    if (this.#places.length > 0) return null;
    assertName(name, this.path);
    let file: number | undefined;
    try {
      file = openSync(this.#pathOf(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      const stats = fstatSync(file);
      return stats.isFile() && stats.size <= maxBytes ? { content: readFileSync(file), stats } : null;
    } catch {
      return null;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** The first `maxBytes` of a regular file. */
  async read(name: EntryName, maxBytes: number): Promise<Buffer> {
    return (await this.readWithStats(name, maxBytes)).content;
  }

  /** The same, and what the file was as it was opened. */
  async readWithStats(name: EntryName, maxBytes: number): Promise<{ content: Buffer; stats: Stats }> {
    const { file, stats } = await this.openFile(name);
    try {
      return { content: await readBeginning(file, maxBytes), stats };
    } finally {
      await file.close();
    }
  }

  /** Writes a file as a whole: a reader, now or after a crash, sees the old content or the new one. Replaces a link. */
  async write(name: EntryName, content: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
    const { actionId } = options;
    const draft = toDraftName(name, actionId);
    if (actionId !== undefined) await this.removeDraft(name, actionId);
    try {
      const file = await this.#open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
      const { ino } = await fill(file, content, options);
      // A retry may have begun because this attempt counted as lost.
      if ((await this.lstat(draft))?.ino !== ino)
        throw toError('EBUSY', this.#show(draft), 'another try took its place');
      await this.rename(draft, this, name);
    } catch (error) {
      await this.unlink(draft).catch(() => undefined);
      throw error;
    }
    if (options.durable === true) await this.#sync();
  }

  /** Replaces an entry by a symbolic link, also as a whole. */
  async writeLink(target: string | Buffer, name: EntryName, { actionId }: Pick<WriteOptions, 'actionId'> = {}) {
    const draft = toDraftName(name, actionId);
    if (actionId !== undefined) await this.removeDraft(name, actionId);
    try {
      await this.symlink(target, draft);
      await this.rename(draft, this, name);
    } catch (error) {
      await this.unlink(draft).catch(() => undefined);
      throw error;
    }
  }

  /** Removes the draft that a lost attempt of an action left of a file. */
  async removeDraft(name: EntryName, actionId: string): Promise<void> {
    await this.unlink(toDraftName(name, actionId)).catch(ignoring('ENOENT'));
  }

  async rename(name: EntryName, to: SafeFolder, toName: EntryName): Promise<void> {
    await this.#at(name, (from) => to.#at(toName, (path) => rename(from, path)));
  }

  async unlink(name: EntryName): Promise<void> {
    await this.#at(name, (path) => unlink(path));
  }

  async mkdir(name: EntryName, mode = 0o777): Promise<void> {
    await this.#at(name, (path) => mkdir(path, mode));
  }

  /** Rejects if the folder is not empty. */
  async rmdir(name: EntryName): Promise<void> {
    await this.#at(name, (path) => rmdir(path));
  }

  async symlink(target: string | Buffer, name: EntryName): Promise<void> {
    await this.#at(name, (path) => symlink(target, path));
  }

  readlink(name: EntryName): Promise<Buffer> {
    return this.#at(name, (path) => readlink(path, 'buffer'));
  }

  /** The names in the folder. */
  async list(): Promise<Buffer[]> {
    await this.#assertInPlace();
    const names = await readdir(`${this.#base}/.`, 'buffer');
    await this.#assertInPlace();
    return names;
  }

  /** Some of the names in the folder, at most `max`, of a folder that may have millions. In no order. */
  async listSome(max: number): Promise<Buffer[]> {
    await this.#assertInPlace();
    const names: Buffer[] = [];
    // One character for each byte: a name may not be UTF-8.
    for await (const { name } of await opendir(`${this.#base}/.`, { encoding: 'latin1' })) {
      if (names.push(Buffer.from(name, 'latin1')) >= max) break;
    }
    await this.#assertInPlace();
    return names;
  }

  async #open(name: EntryName, flags: number): Promise<FileHandle> {
    return await this.#at(
      name,
      (path) => open(path, flags),
      (handle) => handle.close(),
    );
  }

  /** Calls `undo` with the result if the folder was swapped meanwhile. */
  async #at<T>(
    name: EntryName,
    act: (path: string | Buffer) => Promise<T>,
    undo?: (result: T) => Promise<void>,
  ): Promise<T> {
    assertName(name, this.path);
    await this.#assertInPlace();
    const result = await act(this.#pathOf(name)).catch((error: unknown) => {
      throw withPath(error, this.#base, this.path);
    });
    try {
      await this.#assertInPlace();
      return result;
    } catch (error) {
      await undo?.(result);
      throw error;
    }
  }

  #pathOf(name: EntryName): string | Buffer {
    const base = `${this.#base}/`;
    return typeof name === 'string' ? base + name : Buffer.concat([Buffer.from(base), name]);
  }

  async #assertInPlace(): Promise<void> {
    for (const { path, dev, ino } of this.#places) {
      const now = await lstat(path, { bigint: true });
      if (now.dev !== dev || now.ino !== ino) throw toError('EBUSY', path, 'another folder took its place');
    }
  }

  async #sync(): Promise<void> {
    const handle = await open(`${this.#base}/.`, O_RDONLY | O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  #show(name: EntryName): string {
    return join(this.path, name.toString());
  }
}

async function openTop(): Promise<SafeFolder> {
  const handle = await open('/', O_RDONLY | O_DIRECTORY);
  const own = await handle.stat({ bigint: true });
  const seen = await stat(`${toDescriptorPath(handle)}/.`, { bigint: true }).catch(() => undefined);
  const addressable = seen !== undefined && seen.dev === own.dev && seen.ino === own.ino;
  return new SafeFolder('/', handle, addressable ? [] : [toPlace('/', own)]);
}

function toDraftName(name: EntryName, actionId: string | undefined): string {
  const id = actionId === undefined ? randomUUID() : createHash('sha256').update(actionId).digest('hex').slice(0, 32);
  return `.${name.toString().slice(0, 60)}.${id}.tmp`;
}

function toDescriptorPath(handle: FileHandle): string {
  return `/proc/self/fd/${String(handle.fd)}`;
}

function toPlace(path: string, { dev, ino }: BigIntStats): Place {
  return { path, dev, ino };
}

function assertName(name: EntryName, folder: string): void {
  const text = typeof name === 'string' ? name : name.toString('latin1');
  if (text === '' || text === '.' || text === '..' || /[/\0]/.test(text))
    throw toError('EINVAL', folder, `not a name: ${JSON.stringify(text)}`);
}

async function readBeginning(file: FileHandle, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let left = maxBytes; left > 0;) {
    const { bytesRead, buffer } = await file.read(
      Buffer.alloc(Math.min(left, CHUNK_BYTES)),
      0,
      Math.min(left, CHUNK_BYTES),
    );
    if (bytesRead === 0) break;
    parts.push(buffer.subarray(0, bytesRead));
    left -= bytesRead;
  }
  return Buffer.concat(parts);
}

async function fill(file: FileHandle, content: string | Uint8Array, { like, durable }: WriteOptions): Promise<Stats> {
  try {
    await file.writeFile(content);
    if (like !== undefined) await makeAlike(file, like);
    if (durable === true) await file.sync();
    return await file.stat();
  } finally {
    await file.close();
  }
}

async function makeAlike(file: FileHandle, like: { mode: number; uid: number; gid: number }): Promise<void> {
  const { uid, gid } = await file.stat();
  // Only root may change the owner; for others the file stays theirs.
  if (uid !== like.uid || gid !== like.gid) await file.chown(like.uid, like.gid).catch(() => undefined);
  await file.chmod(like.mode & 0o7777);
}
