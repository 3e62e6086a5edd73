/**
 * The Unix sockets through which a command in the sandbox could act outside of it: a read-only mount does not prevent
 * connections. They are covered one by one, since a command may use its own sockets.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { toRealPath } from './mounts.ts';

/** Places of sockets that this process's network does not list: of containers, and of other namespaces. */
const KNOWN = [
  ...['/var/lib/mysql/mysql.sock', '/var/lib/postgresql/.s.PGSQL.5432', '/var/spool/postfix/public'],
  ...['/var/lib/sss/pipes', '/opt/containerd', '/mnt/wslg', '/var/lib/gdm', '/var/lib/gdm3'],
];

interface Bound {
  inode: string;
  name: string;
}

/** Real paths of what exists: sockets that are listened to somewhere, and folders of them. */
export function listOutsideSockets(): string[] {
  const listed = listBound().flatMap(findSockets);
  return [...new Set([...listed, ...KNOWN.flatMap((path) => toRealPath(path) ?? [])])];
}

/** Lines of /proc/net/unix, the last column of which may hold line ends; abstract names begin with @. */
function listBound(): Bound[] {
  try {
    const rows = readFileSync('/proc/net/unix', 'utf8').split(/\n(?=[0-9a-f]{8,16}: )/);
    return rows.flatMap((row) => {
      const [, inode, name] = /^\S+(?:\s+\S+){5}\s+(\d+) ([^@][^]*?)\n?$/.exec(row) ?? [];
      return inode === undefined || name === undefined ? [] : [{ inode, name }];
    });
  } catch {
    return [];
  }
}

/**
 * By the name that it was bound by. If that is not its name any more, or leads on from a folder that is not known, it is
 * one of the sockets of a folder, all of which are covered.
 */
function findSockets({ inode, name }: Bound): string[] {
  const path = isAbsolute(name) ? name : join(toFolder(inode), name);
  if (!isAbsolute(path)) return [];
  const real = hasOneName(path) ? toRealPath(path) : undefined;
  return real === undefined ? socketsIn(dirname(path)) : [real];
}

/** A socket with another name, too, has that in the same folder, if anywhere that can be found. */
function hasOneName(path: string): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isSocket() && stats.nlink === 1;
  } catch {
    return false;
  }
}

function socketsIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isSocket() ? (toRealPath(join(folder, entry.name)) ?? []) : []));
  } catch {
    return [];
  }
}

/** By inode; a process that changes its folder later leaves the socket where it is. */
const folders = new Map<string, string>();

/** The folder of a process that has the socket; empty if there is none that this process may ask. */
function toFolder(inode: string): string {
  const known = folders.get(inode);
  if (known !== undefined) return known;
  const owner = readNames('/proc').find((pid) => /^\d+$/.test(pid) && holds(pid, inode));
  const folder = owner === undefined ? '' : readLink(`/proc/${owner}/cwd`);
  folders.set(inode, folder);
  return folder;
}

function holds(pid: string, inode: string): boolean {
  return readNames(`/proc/${pid}/fd`).some((fd) => readLink(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
