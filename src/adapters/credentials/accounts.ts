/**
 * The accounts that a worker serves: for each the least strict mode of its threads, and where its access token comes from.
 * The operator configures them; no thread, client or workspace does.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type AgentIdentityMode, AgentIdentityModeSchema } from '../../contract/index.ts';
import { IdSchema } from '../../contract/shapes.ts';
import type { TokenSource } from './token-source.ts';

const AccountSchema = z.strictObject({
  mode: AgentIdentityModeSchema.optional(),
  tokenEnv: z.string().min(1).optional(),
  tokenFile: z.string().min(1).optional(),
  tokenCommand: z.tuple([z.string().min(1)], z.string()).optional(),
  tokenTimeoutMs: z.number().int().min(100).max(60_000).default(10_000),
});
type Entry = z.infer<typeof AccountSchema>;

const FileSchema = z.strictObject({ accounts: z.record(z.union([IdSchema, z.literal('*')]), AccountSchema) });

export interface AccountConfig {
  mode: AgentIdentityMode;
  token: TokenSource;
}

export interface Accounts {
  /** The entry of that account, else the one for all others. */
  of(account: string): AccountConfig;
  /** Those that the file lists, `*` included. */
  entries: ReadonlyMap<string, AccountConfig>;
  /** Absolute paths of the file and of token files, which no sandbox may read. */
  files: string[];
}

export interface AccountsInput {
  /** Absolute path. */
  file: string;
  /** Whether the file was configured, so that it must exist. */
  isRequired: boolean;
  /** For accounts that the file does not list, and for what an entry leaves out. */
  others: AccountConfig;
}

/** Throws an error that names the file and every invalid member. It never quotes a value. */
export function readAccounts({ file, isRequired, others }: AccountsInput): Accounts {
  const entries = !isRequired && !existsSync(file) ? {} : readEntries(file);
  const folder = dirname(file);
  const accounts = new Map(Object.entries(entries).map(([name, entry]) => [name, toConfig(entry, folder, others)]));
  const sources = [others, ...accounts.values()].map(({ token }) => token);
  return {
    of: (account) => accounts.get(account) ?? accounts.get('*') ?? others,
    entries: accounts,
    files: [file, ...sources.flatMap((source) => (source.type === 'file' ? toPaths(source.path) : []))],
  };
}

function readEntries(file: string): Record<string, Entry> {
  const parsed = FileSchema.safeParse(readJson(file));
  if (!parsed.success) {
    throw unusable(
      file,
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`),
    );
  }
  const { accounts } = parsed.data;
  const problems = Object.entries(accounts).flatMap(([name, entry]) => problemsOf(`accounts.${name}`, entry));
  if (problems.length > 0) throw unusable(file, problems);
  return accounts;
}

function problemsOf(place: string, { tokenEnv, tokenFile, tokenCommand }: Entry): string[] {
  const sources = [tokenEnv, tokenFile, tokenCommand].filter((source) => source !== undefined);
  return [
    ...(sources.length > 1 ? [`${place}: one of tokenEnv, tokenFile and tokenCommand is needed, and not several`] : []),
    ...(tokenCommand !== undefined && !tokenCommand[0].startsWith('/')
      ? [`${place}.tokenCommand: its program must be an absolute path`]
      : []),
  ];
}

function toConfig(entry: Entry, folder: string, others: AccountConfig): AccountConfig {
  const { mode = others.mode, tokenEnv, tokenFile, tokenCommand, tokenTimeoutMs } = entry;
  const token: TokenSource =
    tokenEnv !== undefined
      ? { type: 'env', name: tokenEnv }
      : tokenFile !== undefined
        ? { type: 'file', path: resolve(folder, tokenFile) }
        : tokenCommand !== undefined
          ? { type: 'command', command: tokenCommand, timeoutMs: tokenTimeoutMs }
          : others.token;
  return { mode, token };
}

/** A projected token is a link to a file in a folder that is replaced as a whole, so the folder of the link counts. */
function toPaths(path: string): string[] {
  try {
    const real = realpathSync(path);
    return real === path ? [path] : [path, real, dirname(path)];
  } catch {
    return [path];
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    // The parser's message quotes the text.
    const reason =
      error instanceof SyntaxError ? 'it is not JSON' : ((error as NodeJS.ErrnoException).code ?? 'unknown');
    throw unusable(file, [reason]);
  }
}

function unusable(file: string, problems: readonly string[]): Error {
  return new Error(`The accounts in ${file} cannot be used:\n${problems.join('\n')}`);
}
