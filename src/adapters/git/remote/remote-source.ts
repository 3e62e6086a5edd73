/** A repository to fetch from: on another machine, or on this one, where it is read as data. */
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { transportOf } from '../../../contract/plain/repository-address.ts';
import type { GitCall } from '../process/git-process.ts';
import { explainNoRepository } from '../repository/repository-fault.ts';
import { type ClosedFolders, type RepositoryPlace, findRepositoryOrBare } from '../repository/repository-place.ts';
import { withView } from '../repository/repository-view.ts';

export type Source =
  | { type: 'remote'; address: string }
  /** On this machine. It is read as data. */
  | { type: 'local'; place: RepositoryPlace }
  | { type: 'missing'; why: string };

/** What git is asked, and how it may get there. */
export interface Remote {
  from: string;
  remote: NonNullable<GitCall['remote']>;
}

/** @param address a URL, or `host:path` */
export function findRemote(address: string, closed: ClosedFolders): Source {
  if (transportOf(address) !== 'file') return { type: 'remote', address };
  const path = toPath(address);
  const place = findRepositoryOrBare(path, closed);
  return place === null ? { type: 'missing', why: explainNoRepository(path, closed) } : { type: 'local', place };
}

export function withRemote<T>(
  source: Exclude<Source, { type: 'missing' }>,
  signal: AbortSignal,
  body: (remote: Remote) => Promise<T>,
): Promise<T> {
  if (source.type === 'remote') {
    const remote = { transports: transportsOf(source.address), signIn: true };
    return body({ from: source.address, remote });
  }
  const remote = { transports: ['file'], signIn: false };
  return withView(source.place, signal, (view) => body({ from: view.gitDir, remote }));
}

/** The operator's own configuration may redirect one of these to the other. */
function transportsOf(address: string): string[] {
  return transportOf(address) === 'http' ? ['http', 'https', 'ssh'] : ['https', 'ssh'];
}

const LOOPBACK = /^http:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?\//i;

/** Why an address without encryption is not used; null if it is. @param address without secrets */
export function faultOfHttp(address: string, allowHttp: boolean): string | null {
  if (transportOf(address) !== 'http' || allowHttp || LOOPBACK.test(address)) return null;
  const hint = 'Use https, or allow it to these workers with BOBBIN_ALLOW_HTTP=true.';
  return `${toVisibleLine(address)} would be fetched by http, which is not encrypted. ${hint}`;
}

/** Git's message about a repository that is not there, or not shown to whoever asks. */
export const NO_REPOSITORY =
  /does not appear to be a git repository|repository '.*' (does not exist|not found)|repository not found/i;

function toPath(url: string): string {
  const path = url.slice('file://'.length);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
