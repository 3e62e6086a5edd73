/** Ids of review targets: the same repository, branch, base and named host have the same ledger, in any spelling. */
import type { BatchTarget } from '../../src/contract/index.ts';

const NAME_CHARS = 60;

/** Readable, and different for different targets: `bobbin-main-vs-release-1f0c…`. */
export function toTargetId(target: BatchTarget): string {
  const repository = toCanonical(target.repository);
  const { branch, base, host } = target;
  const named = host === undefined ? [] : [host];
  const words = [nameOf(repository), branch ?? 'HEAD', ...(base === undefined ? [] : ['vs', base]), ...named];
  const name = words.map((word) => word.replace(/[^A-Za-z0-9._]+/g, '-').replace(/^-+|-+$/g, '')).join('-');
  return `${name.slice(0, NAME_CHARS)}-${hash(JSON.stringify([repository, branch ?? null, base ?? null, ...named]))}`;
}

/** The common form of equal addresses: no slash or `.git` at the end, a lower-case host, no user name in a URL. */
export function toCanonical(repository: string): string {
  const bare = repository.replace(/\/+$/, '').replace(/(?<=[^/])\.git$/, '');
  const url = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/@]*@)?([^/]*)(.*)$/i.exec(bare);
  if (url === null) return bare === '' ? '/' : bare;
  const [, scheme = '', host = '', path = ''] = url;
  return `${scheme.toLowerCase()}${host.toLowerCase()}${path}`;
}

function nameOf(repository: string): string {
  return repository.split(/[/:]/).findLast((word) => word !== '') ?? 'root';
}

/**
 * 64 bits of two runs of FNV-1a: the sandbox has no crypto, and targets with the same hash would only share a ledger.
 */
function hash(text: string): string {
  return [0x811c9dc5, 0x050c5d1f]
    .map((seed) => {
      let value = seed;
      for (const unit of text) value = Math.imul(value ^ (unit.codePointAt(0) ?? 0), 0x01000193) >>> 0;
      return value.toString(16).padStart(8, '0');
    })
    .join('');
}
