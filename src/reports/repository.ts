/** Names a target and its repository in a report. */
import type { BatchTarget } from '../contract/index.ts';
import { withoutSecrets } from '../contract/plain/repository-address.ts';
import { toLine } from './foreign-text.ts';

const MAX_NAME_CHARS = 120;

/** A name for each target, in their order: short unless two would be equal. */
export function nameTargets(targets: readonly BatchTarget[]): string[] {
  const short = targets.map((target) => toName(target, lastPart(target.repository)));
  const counts = new Map<string, number>();
  for (const name of short) counts.set(name, (counts.get(name) ?? 0) + 1);
  return targets.map((target, index) => {
    const name = short[index] ?? '';
    return toLine(counts.get(name) === 1 ? name : toName(target, withoutSecrets(target.repository)), MAX_NAME_CHARS);
  });
}

function toName({ branch, base, host }: BatchTarget, repository: string): string {
  return `${repository}${branch === undefined ? '' : `@${branch}`}${base === undefined ? '' : ` vs ${base}`}${host === undefined ? '' : ` on host ${host}`}`;
}

function lastPart(repository: string): string {
  return (
    withoutSecrets(repository)
      .replace(/\/+$/, '')
      .replace(/\.git$/, '')
      .split(/[/:]/)
      .at(-1) ?? repository
  );
}

/** Converts to an address: a path is a file of this machine, `host:path` means ssh. */
export function toRepositoryUri(repository: string): string {
  const text = withoutSecrets(repository);
  if (text.startsWith('/')) return `file://${encodePath(text)}`;
  const short = /^([^/\s:]+):(?!\/\/)(.*)$/.exec(text);
  const uri = short === null ? text : `ssh://${short[1] ?? ''}/${encodePath((short[2] ?? '').replace(/^\/+/, ''))}`;
  return toStrictUri(uri) ?? `file:///${encodePath(text)}`;
}

/** Browsers allow characters that RFC 3986 does not. Null if it is no address. */
function toStrictUri(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, username, host, pathname, search } = new URL(text);
  const user = username === '' ? '' : `${username}@`;
  const place = `${pathname}${search}`
    .replace(/%(?![0-9a-f]{2})/gi, '%25')
    .replace(/[^\w\-.~:/?@!$&'()*+,;=%]/g, encodeURIComponent);
  return `${protocol}//${user}${host.replace(/["{}`]/g, encodeURIComponent)}${place}`;
}

/** Encodes a path for an address; slashes stay. */
export function encodePath(path: string): string {
  return path
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
}
