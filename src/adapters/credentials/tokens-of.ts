/** One access token per account. */
import type { Accounts } from './accounts.ts';
import { createTokenSource } from './token-source.ts';

/** A function for the adapter. Accounts of the same entry share its token, and so one run of its command. */
export function tokensOf(
  accounts: Pick<Accounts, 'of'>,
  env: NodeJS.ProcessEnv,
): (account: string, signal: AbortSignal) => Promise<string> {
  const sources = new Map<object, (signal: AbortSignal) => Promise<string>>();
  return (account, signal) => {
    const { token } = accounts.of(account);
    const known = sources.get(token) ?? createTokenSource(token, env);
    sources.set(token, known);
    return known(signal);
  };
}
