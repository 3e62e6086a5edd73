import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { type AccountConfig, type Accounts, readAccounts } from '../../adapters/credentials/accounts.ts';
import { dataLayout } from '../../folders/folders.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { readVariable } from '../../folders/variables.ts';

/** Checks the accounts file and where each token comes from. Reads no token and runs no command. */
export const accountsProbe: Probe = {
  name: 'identity accounts',
  need: 'BOBBIN_IDENTITY_ACCOUNTS, or accounts.json in the data directory; optional',
  look: (context) => Promise.resolve(lookAtAccounts(context)),
};

/** For what an entry leaves out, which is not checked here. */
const OTHERS: AccountConfig = { mode: 'recoverable', token: { type: 'none' } };

function lookAtAccounts({ env, dataDirectory }: CheckContext): Finding {
  const asked = readVariable(env, 'BOBBIN_IDENTITY_ACCOUNTS');
  const file = resolve(asked || dataLayout(dataDirectory).accounts);
  let entries: Accounts['entries'];
  try {
    ({ entries } = readAccounts({ file, isRequired: Boolean(asked), others: OTHERS }));
  } catch (error) {
    const found = error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error);
    return { status: 'missing', found, howTo: 'Correct that file; docs/agent-identity.md describes its members.' };
  }
  if (entries.size === 0) return { status: 'ok', found: 'none' };
  const faults = [...entries].flatMap(([account, { token }]) =>
    faultOf(token, env).map((fault) => `${account}: ${fault}`),
  );
  const found = [...entries].map(([account, { mode }]) => `${account} (${mode})`).join(', ');
  if (faults.length === 0) return { status: 'ok', found };
  return { status: 'missing', found: faults.join(', '), howTo: `Correct it in ${file}, or what it names.` };
}

function faultOf(token: AccountConfig['token'], env: CheckContext['env']): string[] {
  switch (token.type) {
    case 'none':
      return [];
    case 'env':
      return env[token.name]?.trim() ? [] : [`the variable ${token.name} is not set`];
    case 'file':
      return canBe(token.path, constants.R_OK) ? [] : [`${token.path} cannot be read`];
    case 'command':
      return canBe(token.command[0], constants.X_OK) ? [] : [`${token.command[0]} cannot be run`];
  }
}

function canBe(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
