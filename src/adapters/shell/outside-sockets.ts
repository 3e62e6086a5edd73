/**
 * The Unix sockets by which a command in the sandbox could have something done outside of it: a mount that is read-only
 * does not keep anybody from connecting. They are covered one by one, since a command may use sockets of its own.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { toRealPath } from './mounts.ts';

/** Where sockets lie that this process's network does not list: of containers, and of others' namespaces. */
const KNOWN = [
  ...['/var/lib/mysql/mysql.sock', '/var/lib/postgresql/.s.PGSQL.5432', '/var/spool/postfix/public'],
  ...['/var/lib/sss/pipes', '/opt/containerd', '/mnt/wslg', '/var/lib/gdm', '/var/lib/gdm3'],
];

/** Real paths of what exists: sockets that are listened to somewhere, and folders of them. */
export function listOutsideSockets(): string[] {
  const listed = listBound().flatMap((path) => (isSocket(path) ? (toRealPath(path) ?? []) : []));
  return [...new Set([...listed, ...KNOWN.flatMap((path) => toRealPath(path) ?? [])])];
}

/** The last column of /proc/net/unix; abstract names begin with @. */
function listBound(): string[] {
  try {
    const lines = readFileSync('/proc/net/unix', 'utf8').split('\n').slice(1);
    return lines.flatMap((line) => /^(?:\S+\s+){7}(\/.*)$/.exec(line)?.[1] ?? []);
  } catch {
    return [];
  }
}

function isSocket(path: string): boolean {
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}
