/** Which host this is: an id that stays with the data folder, and a key that only this folder has. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { HOST_ID } from '../contract/plain/hosts.ts';
import { dataLayout } from './folders.ts';

/** The machine under a host, to tell two of them apart. */
export interface MachineMark {
  /** The name that its system has. */
  name: string;
  /** Of the running system; empty if it is not known. Containers of one machine have the same. */
  bootId: string;
}

export interface HostFile {
  hostId: string;
  /** Random, and kept with the id: another folder with the same id belongs to another host. */
  key: string;
}

/**
 * Reads the file of the data folder, and makes it first if it is missing. Concurrent callers get the same. Throws an error of
 * the file system, or one that names the file if it cannot be used.
 *
 * @param data absolute path of the data folder
 */
export function openHostFile(data: string): HostFile {
  const path = dataLayout(data).host;
  const found = readHostFile(path);
  if (found !== undefined) return found;
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const draft = join(data, `.host.${randomBytes(6).toString('hex')}.tmp`);
  writeFileSync(draft, `${JSON.stringify(newHost())}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // Unlike a rename, it never replaces the file of a process that was faster.
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  return openHostFile(data);
}

/** Undefined if there is no such file. */
export function readHostFile(path: string): HostFile | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const { hostId, key } = parsed(text);
  if (typeof hostId === 'string' && HOST_ID.test(hostId) && typeof key === 'string' && key !== '')
    return { hostId, key };
  throw new Error(`${path} cannot be used: it does not have the id of a host. Remove it to get a new one.`);
}

function parsed(text: string): { hostId?: unknown; key?: unknown } {
  try {
    return (JSON.parse(text) as object | null) ?? {};
  } catch {
    return {};
  }
}

/** The name of the machine makes it recognizable, the digits make it unique. */
export function newHost(): HostFile {
  return { hostId: `${toName(hostname())}-${randomBytes(3).toString('hex')}`, key: randomBytes(16).toString('hex') };
}

const NAME_CHARS = 40;

function toName(machine: string): string {
  const name = machine
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .slice(0, NAME_CHARS)
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'host' : name;
}

export function markMachine(): MachineMark {
  try {
    return { name: hostname(), bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() };
  } catch {
    return { name: hostname(), bootId: '' };
  }
}
