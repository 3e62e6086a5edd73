import { readFile, readdir, readlink } from 'node:fs/promises';

export interface PortHolder {
  pid: number;
  /** Name of the program. */
  name: string;
}

const LISTEN = '0A';

/**
 * Returns the process that listens on a TCP port of this machine. Undefined if there is none, if /proc does not exist,
 * or if the process belongs to another user.
 */
export async function findPortHolder(port: number): Promise<PortHolder | undefined> {
  const inodes = new Set([...(await listeningInodes('tcp', port)), ...(await listeningInodes('tcp6', port))]);
  if (inodes.size === 0) return undefined;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await holdsSocket(pid, inodes)) {
      return { pid: Number(pid), name: (await readText(`/proc/${pid}/comm`)).trim() };
    }
  }
  return undefined;
}

/** For messages: `temporal (pid 12)`, or `another process`. */
export async function describePortHolder(port: number): Promise<string> {
  const holder = await findPortHolder(port);
  return holder === undefined ? 'another process' : `${holder.name} (pid ${holder.pid})`;
}

async function listeningInodes(table: 'tcp' | 'tcp6', port: number): Promise<string[]> {
  const rows = (await readText(`/proc/net/${table}`)).split('\n').slice(1);
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[3] === LISTEN && Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
    .flatMap((fields) => fields[9] ?? []);
}

async function holdsSocket(pid: string, inodes: Set<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const link = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '');
}
