/** Reads what a file contains or a command prints as an access token. No reason for a refusal quotes any of it. */
import { toMilliseconds } from './moment.ts';
import { UnusableToken } from './unusable-token.ts';

export interface Token {
  token: string;
  /** Milliseconds since the epoch; undefined if it is not known. */
  expiresAt: number | undefined;
}

/**
 * One line with the token, or a JSON object `{ "token": ..., "expires_at": ... }` with the time in RFC 3339 or in seconds
 * since the epoch. The end of a JWT is read from the token itself.
 * @param of where the text comes from, for reasons
 */
export function toToken(text: string, of: string): Token {
  const trimmed = text.trim();
  if (trimmed === '') throw new UnusableToken(`${of} is empty`, true);
  if (trimmed.startsWith('{')) return fromJson(trimmed, of);
  const lines = trimmed.split(/\r?\n/).length;
  if (lines > 1) throw new UnusableToken(`${of} has ${lines} lines instead of one`, false);
  return { token: trimmed, expiresAt: endOfJwt(trimmed) };
}

function fromJson(text: string, of: string): Token {
  const { token, expires_at: end } = toObject(text) ?? {};
  if (typeof token !== 'string' || token === '')
    throw new UnusableToken(`${of} is not a JSON object with a member "token"`, false);
  if (end === undefined || end === null) return { token, expiresAt: endOfJwt(token) };
  const expiresAt = toMilliseconds(end);
  if (expiresAt === undefined)
    throw new UnusableToken(`${of} has an "expires_at" that is no time in RFC 3339 or in seconds`, false);
  return { token, expiresAt };
}

/** The claim `exp`, without verification: only the service can verify it. */
function endOfJwt(token: string): number | undefined {
  const [, claims, signature] = token.split('.');
  if (claims === undefined || signature === undefined) return undefined;
  return toMilliseconds(toObject(Buffer.from(claims, 'base64url').toString('utf8'))?.['exp']);
}

/** Undefined for anything else. The parser's error would quote the text. */
function toObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
