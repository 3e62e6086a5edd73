/**
 * Tokens. A file of the data folder holds their hashes; it is read again when it changes, so that a removed token ends at
 * once. The token of the first start is in a second file, so that its owner can read it again.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BobbinError } from '../../client/bobbin-error.ts';
import { parse } from './request.ts';
import { IdSchema } from '../../contract/shapes.ts';
import { withLock } from '../../folders/lock.ts';
import { writePrivateFile } from '../../folders/private-file.ts';
import { makePrivateFolder } from '../../folders/private-folder.ts';

export const SCOPES = ['read', 'drive', 'approve', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

const TokenSchema = z.object({
  id: IdSchema,
  name: z.string().max(200),
  /** SHA-256 of the token, hexadecimal. A token has 256 random bits, so a fast hash is enough. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  scopes: z.array(z.enum(SCOPES)),
  /** Whose threads it sees; null for everything. */
  owner: IdSchema.nullable(),
  createdAt: z.string(),
});
export type Token = z.infer<typeof TokenSchema>;
/** What the holder of a token, or the client of another door, may do. */
export type Rights = Pick<Token, 'scopes' | 'owner'>;
const FileSchema = z.object({ version: z.literal(1), tokens: z.array(TokenSchema) });

const TOKENS = 'http-tokens.json';
const FIRST_TOKEN = 'http-token';
const FIRST_NAME = 'first start';
/** What `newSecret` makes. */
const SECRET = /^bobbin_[\w-]{43}$/;

export interface NewToken {
  name: string;
  scopes: readonly Scope[];
  owner: string | null;
}

export interface TokenFile {
  readonly path: string;
  list(): Token[];
  /** The token that a secret belongs to. Takes the same time whatever the secret is. */
  find(secret: string): Token | undefined;
  /** Whether it is still in the file. False if the file cannot be read. */
  has(token: Token): boolean;
  add(token: NewToken): Promise<{ token: Token; secret: string }>;
  /** False if there is no such token. */
  remove(id: string): Promise<boolean>;
  /** Makes a token if there are none. Returns the secret of the one that was made so, unless it was removed since. */
  first(): Promise<string | undefined>;
}

export function openTokens(dataDirectory: string): TokenFile {
  makePrivateFolder(dataDirectory);
  const path = join(dataDirectory, TOKENS);
  const place = join(dataDirectory, FIRST_TOKEN);
  let known: { stamp: string; tokens: Token[] } = { stamp: '', tokens: [] };
  const list = (): Token[] => {
    const stamp = stampOf(path);
    if (stamp !== known.stamp) known = { stamp, tokens: stamp === '' ? [] : readTokens(path) };
    return known.tokens;
  };
  /** Reads and writes of two processes do not mix: a token that one adds, or removes, would be lost. */
  const alone = <T>(change: () => Promise<T>) => withLock(`${path}.lock`, { what: 'changes tokens' }, change);
  const write = (tokens: Token[]) => writePrivateFile(path, `${JSON.stringify({ version: 1, tokens }, null, 2)}\n`);
  const keep = async (secret: string, { name, scopes, owner }: NewToken): Promise<Token> => {
    const createdAt = new Date().toISOString();
    const token = { id: randomUUID().slice(0, 8), name, hash: hashOf(secret), scopes: [...scopes], owner, createdAt };
    const parsed = parse(TokenSchema, token, 'token');
    await write([...list(), parsed]);
    return parsed;
  };
  const find: TokenFile['find'] = (secret) => {
    const hash = Buffer.from(hashOf(secret), 'hex');
    const fitting = list().filter((token) => timingSafeEqual(Buffer.from(token.hash, 'hex'), hash));
    return fitting[0];
  };
  return {
    path,
    list,
    find,
    has(token) {
      try {
        return list().some(({ hash }) => hash === token.hash);
      } catch {
        return false;
      }
    },
    add: (given) =>
      alone(async () => {
        const secret = newSecret();
        return { token: await keep(secret, given), secret };
      }),
    remove: (id) =>
      alone(async () => {
        const left = list().filter((token) => token.id !== id);
        if (left.length === list().length) return false;
        await write(left);
        // The next start must not bring back the token that was removed.
        const secret = readSecret(place);
        if (secret !== undefined && find(secret) === undefined) unlinkSync(place);
        return true;
      }),
    first: () =>
      alone(async () => {
        if (list().length > 0) {
          const secret = readSecret(place);
          return secret !== undefined && find(secret) !== undefined ? secret : undefined;
        }
        const secret = readSecret(place) ?? newSecret();
        await writePrivateFile(place, `${secret}\n`);
        await keep(secret, { name: FIRST_NAME, scopes: ['admin'], owner: null });
        return secret;
      }),
  };
}

/** `admin` includes all others. */
export function allows(token: Rights, scope: Scope): boolean {
  return token.scopes.includes(scope) || token.scopes.includes('admin');
}

/** The names of scopes, each alone or several with commas between them. Throws `invalid`. */
export function toScopes(given: readonly string[]): Scope[] {
  return given
    .flatMap((names) => names.split(','))
    .map((name) => {
      const scope = SCOPES.find((known) => known === name);
      if (scope !== undefined) return scope;
      throw new BobbinError('invalid', `--scope ${name}: expected one of ${SCOPES.join(', ')}`);
    });
}

function newSecret(): string {
  return `bobbin_${randomBytes(32).toString('base64url')}`;
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Changes whenever the file does; empty if there is no file. Throws if other users can read or write it. */
function stampOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (found === undefined) return '';
  const isOpen =
    process.getuid !== undefined && (found.uid !== BigInt(process.getuid()) || (found.mode & 0o077n) !== 0n);
  if (isOpen) throw new BobbinError('invalid', `${path} must belong to you alone: run \`chmod 600\` on it.`);
  return `${found.ino} ${found.mtimeNs} ${found.size}`;
}

function readTokens(path: string): Token[] {
  try {
    return FileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).tokens;
  } catch (error) {
    throw new BobbinError('invalid', `${path} cannot be read as a list of tokens. Repair or remove it.`, error);
  }
}

/** Undefined if the file has no whole secret: a part of one is easy to guess. */
function readSecret(path: string): string | undefined {
  const text = stampOf(path) === '' ? '' : readFileSync(path, 'utf8').trim();
  return SECRET.test(text) ? text : undefined;
}
