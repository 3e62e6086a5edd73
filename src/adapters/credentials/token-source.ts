/** The access token of an account, from where its configuration says. */
import { readFile, stat } from 'node:fs/promises';
import { type TokenCommand, runTokenCommand } from './token-command.ts';
import { type Token, toToken } from './token-text.ts';
import { UnusableToken } from './unusable-token.ts';

/** `none`: registrations for the account are refused. */
export type TokenSource =
  | { type: 'none' }
  | { type: 'env'; name: string }
  /** Absolute path; for example a projected token of Kubernetes, which is replaced while the worker runs. */
  | { type: 'file'; path: string }
  | ({ type: 'command' } & TokenCommand);

/** In bytes; larger than any token. */
const MAX_FILE_BYTES = 64 * 1024;
/** Part of its life after which a printed token is no longer used. */
const USABLE_LIFE = 0.8;

/**
 * Returns a function that obtains the token. A file is read for each registration. A command runs for each one, too, unless
 * it printed a token with its end: that token is used for four fifths of its life. Rejects with {@link UnusableToken}.
 */
export function createTokenSource(
  source: TokenSource,
  env: NodeJS.ProcessEnv,
  now: () => number = Date.now,
): (signal: AbortSignal) => Promise<string> {
  let kept: { token: string; from: number; until: number } | undefined;
  return async (signal) => {
    const at = now();
    // A clock that was set back ends it, too.
    if (kept !== undefined && at >= kept.from && at < kept.until) return kept.token;
    kept = undefined;
    const { token, expiresAt } = await obtain(source, env, signal);
    if (expiresAt !== undefined && expiresAt <= now())
      throw new UnusableToken(`the access token ended at ${new Date(expiresAt).toISOString()}`, true);
    if (source.type === 'command' && expiresAt !== undefined)
      kept = { token, from: at, until: at + (expiresAt - at) * USABLE_LIFE };
    return token;
  };
}

async function obtain(source: TokenSource, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<Token> {
  switch (source.type) {
    case 'none':
      throw new UnusableToken('no access token is configured for the account. Configure one', false);
    case 'env': {
      const value = env[source.name] ?? '';
      if (value.trim() === '') throw new UnusableToken(`the variable ${source.name} of the worker is not set`, false);
      return toToken(value, `the variable ${source.name}`);
    }
    case 'file':
      return toToken(await readToken(source.path), `the token file ${source.path}`);
    case 'command':
      return toToken(
        await runTokenCommand(source, env, signal),
        `the output of the token command ${source.command[0]}`,
      );
  }
}

async function readToken(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new UnusableToken(`the token file ${path} is larger than any token`, false);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof UnusableToken) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new UnusableToken(`the token file ${path} cannot be read (${code})`, true);
  }
}
