/**
 * The allowed addresses of a repository: an absolute path, a URL, or `host:path`, which is short for ssh. Pure and
 * without imports, so that the edge, the workflows and the workers apply the same rules.
 */

export type RepositoryFault =
  /** The address contains a possible credential. */
  | { kind: 'secret'; message: string }
  /** Git could read it, but by a transport that is not allowed. */
  | { kind: 'transport'; message: string }
  | { kind: 'malformed'; message: string };

/** The transport that git uses. */
export type Transport = 'path' | 'file' | 'ssh' | 'http' | 'https';

const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is;
/** The user, the host and the path. `transport::address` is the form of git's remote helpers, which are programs. */
const SHORT_FORM = /^(?:([^/\s:@[\]]+)@)?(\[[0-9a-f:.]+\]|[a-z0-9_][\w.-]*):(?![:-])(.+)$/is;
const HOST = /^(?:\[[0-9a-f:.]+\]|[^\s\\%[\]@:-][^\s\\%[\]@:]*)(?::\d+)?$/i;

const SECRET: RepositoryFault = {
  kind: 'secret',
  message:
    'an address with a user name, a password or a query in it is not taken, since it would be stored; give the ' +
    'credentials to the workers, by a credential helper of git or their environment',
};
const TRANSPORT: RepositoryFault = {
  kind: 'transport',
  message: 'an https, http, ssh or file URL is needed; other transports of git are not taken',
};
const MALFORMED: RepositoryFault = { kind: 'malformed', message: 'an absolute path or a URL is needed' };
const CONTROL: RepositoryFault = {
  kind: 'malformed',
  message: 'one line is needed, without control characters and without half a character',
};

/** The fault of an address; null if it may be used. The messages repeat no part of the address. */
export function faultOfRepository(repository: string): RepositoryFault | null {
  const read = readRepository(repository);
  return 'fault' in read ? read.fault : null;
}

/** Null for an address that {@link faultOfRepository} refuses. */
export function transportOf(repository: string): Transport | null {
  const read = readRepository(repository);
  return 'fault' in read ? null : read.transport;
}

function readRepository(repository: string): { transport: Transport } | { fault: RepositoryFault } {
  if (/[\p{Cc}\p{Surrogate}]/u.test(repository)) return { fault: CONTROL };
  if (repository.startsWith('/')) return { transport: 'path' };
  if (withoutSecrets(repository) !== repository) return { fault: SECRET };
  if (/^[^/]*::/.test(repository) && !repository.includes('[')) return { fault: TRANSPORT };
  const [, scheme, authority = '', rest = ''] = URL_FORM.exec(repository) ?? [];
  if (scheme === undefined) return SHORT_FORM.test(repository) ? { transport: 'ssh' } : { fault: MALFORMED };
  return readUrl(scheme.toLowerCase(), authority, rest);
}

function readUrl(scheme: string, authority: string, path: string): ReturnType<typeof readRepository> {
  if (scheme === 'file') return authority === '' && path.startsWith('/') ? { transport: scheme } : { fault: MALFORMED };
  if (scheme !== 'https' && scheme !== 'http' && scheme !== 'ssh') return { fault: TRANSPORT };
  // Userinfo remains only in an ssh URL, where it is the name of a user.
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return HOST.test(host) && path.startsWith('/') ? { transport: scheme } : { fault: MALFORMED };
}

/**
 * The address without possible credentials: without the user of a web address, which may be a token; without the
 * password of an ssh user, who is needed and not secret; without a query and a fragment. A path is unchanged.
 */
export function withoutSecrets(repository: string): string {
  if (repository.startsWith('/')) return repository;
  const [, scheme, authority = '', rest = ''] = URL_FORM.exec(repository) ?? [];
  if (scheme === undefined) return withoutPassword(repository);
  if (scheme.toLowerCase() === 'file') return `${scheme}://${withoutUser(authority)}${rest}`;
  const place = scheme.toLowerCase() === 'ssh' ? withoutPassword(authority) : withoutUser(authority);
  const path = rest.replace(/[?#].*$/s, '').replace(/(\/\/)[^/]*@/g, '$1');
  return `${scheme}://${place}${path}`;
}

function withoutUser(authority: string): string {
  return authority.slice(authority.lastIndexOf('@') + 1);
}

/**
 * For `user:password@host`, in an authority or before the path of the short form; a password may contain a slash there.
 */
function withoutPassword(text: string): string {
  return text.replace(/^([^/:@%]*)(?::|%3a)(?:[^/]*@|.*@(?=[^/@]*:))/is, '$1@');
}

const DEFAULT_PORT: Record<string, string> = { http: ':80', https: ':443', ssh: ':22' };

/**
 * One spelling for addresses that are the same by the rules of URLs, for an address that {@link faultOfRepository} takes.
 * Whatever a server treats alike in addition, such as a path with and without `.git`, stays apart.
 */
export function normalizedRepository(address: string): string {
  const [, scheme, authority = '', rest = ''] = URL_FORM.exec(address) ?? [];
  const path = rest.replace(/(?!^)\/+$/, '');
  if (scheme !== undefined) {
    const name = scheme.toLowerCase();
    const place = lowerHost(authority);
    const port = DEFAULT_PORT[name];
    const shown = port !== undefined && place.endsWith(port) ? place.slice(0, -port.length) : place;
    return `${name}://${shown}${path}`;
  }
  const [, user, host = '', short = ''] = SHORT_FORM.exec(address) ?? [];
  return `${user === undefined ? '' : `${user}@`}${host.toLowerCase()}:${short.replace(/(?!^)\/+$/, '')}`;
}

function lowerHost(authority: string): string {
  const at = authority.lastIndexOf('@') + 1;
  return `${authority.slice(0, at)}${authority.slice(at).toLowerCase()}`;
}
