/**
 * Files below a folder that others may change at the same time: every folder on the path is opened without following
 * links, so a folder that becomes a link has no effect.
 */
import type { Stats } from 'node:fs';
import { type SafeFolder, openFolder } from '../../files/safe-folder.ts';
import type { RawPath } from './git-process.ts';

/** The entry at a path. `other` is a pipe, a device or anything else without content. */
export type FileState =
  | { type: 'file'; content: Buffer; stats: Stats }
  | { type: 'link'; content: Buffer; stats: Stats }
  | { type: 'missing' }
  | { type: 'folder'; stats?: Stats }
  | { type: 'other' }
  | { type: 'unreadable' };

/** A folder and those around it, open until another one is requested. Not for concurrent calls. */
export class OpenTree {
  readonly #root: SafeFolder;
  #chain: { path: RawPath; folder: SafeFolder }[] = [];

  readonly #modes: ReadonlyMap<RawPath, number> | undefined;
  /** Folders made here that their owner may not change, once all is written. */
  readonly #toClose: { path: RawPath; mode: number }[] = [];

  private constructor(root: SafeFolder, modes?: ReadonlyMap<RawPath, number>) {
    this.#root = root;
    this.#modes = modes;
  }

  /**
   * @param root absolute and without links.
   * @param modes permissions of new folders other than 755, by their paths with a slash at the end. If left out, they get
   *   those that the system gives them.
   */
  static async open(root: string, modes?: ReadonlyMap<RawPath, number>): Promise<OpenTree> {
    return new OpenTree(await openFolder(root), modes);
  }

  async close(): Promise<void> {
    try {
      for (const { path, mode } of this.#toClose.splice(0).reverse()) await (await this.folderOf(path))?.chmod(mode);
    } finally {
      await this.#leave(0);
      await this.#root.close();
    }
  }

  /**
   * The folder of a path; null if there is no such folder, or something else in its place.
   * @param create makes it if nothing is in the way.
   */
  async folderOf(path: RawPath, { create = false } = {}): Promise<SafeFolder | null> {
    const names = path.split('/').slice(0, -1);
    let depth = 0;
    let at = '';
    for (; depth < names.length; depth++) {
      const next = `${at}${names[depth] ?? ''}/`;
      if (this.#chain[depth]?.path !== next) break;
      at = next;
    }
    await this.#leave(depth);
    for (const name of names.slice(depth)) {
      at += `${name}/`;
      const above = this.#chain.at(-1)?.folder ?? this.#root;
      const folder = (await enter(above, toName(name))) ?? (create ? await this.#make(above, toName(name), at) : null);
      if (folder === null) return null;
      this.#chain.push({ path: at, folder });
    }
    return this.#chain.at(-1)?.folder ?? this.#root;
  }

  /** Null if something else is in its place. The permissions are set apart: a mask applies to new folders, and they may inherit a bit. */
  async #make(above: SafeFolder, name: Buffer, path: RawPath): Promise<SafeFolder | null> {
    const mode = this.#modes === undefined ? undefined : (this.#modes.get(path) ?? 0o755);
    const isNew = await above.mkdir(name, mode === undefined ? 0o777 : 0o700).then(
      () => true,
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
        throw error;
      },
    );
    const folder = await enter(above, name);
    if (folder === null || !isNew || mode === undefined) return folder;
    await folder.chmod(mode | 0o700);
    if ((mode & 0o700) !== 0o700) this.#toClose.push({ path, mode });
    return folder;
  }

  /** Closes the folders that were entered, so that they can be moved or removed. */
  async rest(): Promise<void> {
    await this.#leave(0);
  }

  async #leave(depth: number): Promise<void> {
    for (const { folder } of this.#chain.splice(depth).reverse()) await folder.close();
  }
}

async function enter(above: SafeFolder, name: Buffer): Promise<SafeFolder | null> {
  try {
    return await above.enter(name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

/** Never follows a link, never waits, and never rejects because of what it finds. */
export async function readState(folder: SafeFolder, name: Buffer): Promise<FileState> {
  try {
    const stats = await folder.lstat(name);
    if (stats === undefined) return { type: 'missing' };
    if (stats.isSymbolicLink()) return { type: 'link', content: await folder.readlink(name), stats };
    if (stats.isDirectory()) return { type: 'folder' };
    if (!stats.isFile()) return { type: 'other' };
    return await readFile(folder, name);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { type: 'missing' };
    if (code === 'EACCES' || code === 'EPERM') return { type: 'unreadable' };
    if (['EFTYPE', 'ELOOP', 'EINVAL', 'ENXIO'].includes(code)) return { type: 'other' };
    throw error;
  }
}

async function readFile(folder: SafeFolder, name: Buffer): Promise<FileState> {
  const { file, stats } = await folder.openFile(name);
  try {
    return { type: 'file', content: await file.readFile(), stats };
  } finally {
    await file.close();
  }
}

/** The last part of a path. */
export function nameOf(path: RawPath): Buffer {
  return toName(path.slice(path.lastIndexOf('/') + 1));
}

function toName(raw: string): Buffer {
  return Buffer.from(raw, 'latin1');
}
