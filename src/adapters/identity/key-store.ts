/**
 * The key store: one folder of small files that several processes may share.
 *
 * - `<runtimeId>.json`: the key of one identity; written once
 * - `current/<account>.json`: which identity an account uses; replaced as a whole
 * - `next/<account>.json`: which identity was registered and is not in use yet, and which one it replaces: a worker that
 *   ends in between leaves it to the next attempt
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentIdentity } from '../../../activities/ports.ts';
import { Failure } from '../../../activities/failures.ts';
import { tryWriting, writePrivateFile } from '../../folders/private-file.ts';
import { fromPkcs8 } from './agent-key.ts';
import type { AgentKey } from './agent-key.ts';
import { createFileReader, toFileName } from './key-files.ts';

export interface KeyStore {
  /** Fails with `agentIdentityUnavailable` if a key could not be stored. Call it before a registration. */
  checkWritable(account: string): Promise<void>;
  /** @param replaces runtime id of the identity that it replaces; null for none */
  keep(identity: AgentIdentity, key: AgentKey, replaces?: string | null): Promise<void>;
  /** The identity that was kept to replace that one and is not in use yet; undefined if there is none that is valid. */
  next(account: string, replaces: string | null): Promise<AgentIdentity | undefined>;
  /** Fails with `agentKeyMissing` if this store has no key for the identity. */
  use(identity: AgentIdentity): Promise<void>;
  current(account: string): Promise<AgentIdentity | undefined>;
  /** Removes the key; the identity is no longer the one in use. Idempotent. */
  discard(identity: AgentIdentity): Promise<void>;
  /** Fails with `agentKeyMissing` if there is no usable key. */
  key(identity: Pick<AgentIdentity, 'account' | 'agentRuntimeId'>): Promise<AgentKey>;
}

const VERSION = 1;

const IdentityShape = {
  account: z.string(),
  agentRuntimeId: z.string().min(1),
  registeredAt: z.string(),
  expiresAt: z.string().optional(),
};
const PointerSchema = z.object({ version: z.literal(VERSION), ...IdentityShape });
const NextSchema = z.object({ ...PointerSchema.shape, replaces: z.string().nullable() });
const KeyFileSchema = z.object({ version: z.literal(VERSION), ...IdentityShape, privateKeyPkcs8: z.string() });

type KeyFile = { agentRuntimeId: string; key: AgentKey };

export function createKeyStore(keyDirectory: string): KeyStore {
  const readKeyFile = createFileReader(toKeyFile);
  const readPointer = createFileReader(toPointer);
  const keyPath = (agentRuntimeId: string) => join(keyDirectory, `${toFileName(agentRuntimeId)}.json`);
  const currentPath = (account: string) => join(keyDirectory, 'current', `${toFileName(account)}.json`);
  const nextPath = (account: string) => join(keyDirectory, 'next', `${toFileName(account)}.json`);

  const key: KeyStore['key'] = async ({ account, agentRuntimeId }) => {
    const path = keyPath(agentRuntimeId);
    const whose = `the key of agent runtime ${agentRuntimeId} (account ${account})`;
    const file = await reading(path, whose, () => readKeyFile(path));
    if (file === undefined) throw keyMissing(path, whose, 'there is no such file');
    if (file.agentRuntimeId !== agentRuntimeId) {
      throw keyMissing(path, whose, `it belongs to agent runtime ${file.agentRuntimeId}`);
    }
    return file.key;
  };

  return {
    key,
    async current(account) {
      const path = currentPath(account);
      const whose = `the identity in use of account ${account}`;
      const identity = await reading(path, whose, () => readPointer(path));
      if (identity === undefined || identity.account === account) return identity;
      throw keyMissing(path, whose, `it belongs to account ${identity.account}`);
    },
    checkWritable: (account) => writing(keyDirectory, account, () => tryWriting(keyDirectory)),
    keep(identity, agentKey, replaces = null) {
      const path = keyPath(identity.agentRuntimeId);
      const file = { version: VERSION, ...identity, privateKeyPkcs8: agentKey.toPkcs8() };
      const next = { version: VERSION, ...identity, replaces };
      return writing(path, identity.account, async () => {
        await writePrivateFile(path, `${JSON.stringify(file)}\n`);
        await writePrivateFile(nextPath(identity.account), `${JSON.stringify(next)}\n`);
      });
    },
    async next(account, replaces) {
      const text = await readFile(nextPath(account), 'utf8').catch(() => '');
      const left = NextSchema.safeParse(toJson(text)).data;
      if (left?.account !== account || left.replaces !== replaces) return undefined;
      const identity = toIdentity(left);
      if (Date.parse(identity.expiresAt ?? '9999-12-31') <= Date.now()) return undefined;
      return key(identity).then(
        () => identity,
        () => undefined,
      );
    },
    async discard({ account, agentRuntimeId }) {
      const path = currentPath(account);
      await writing(path, account, async () => {
        const current = await readPointer(path).catch(() => undefined);
        if (current?.agentRuntimeId === agentRuntimeId) await rm(path, { force: true });
        await rm(keyPath(agentRuntimeId), { force: true });
      });
    },
    async use(identity) {
      await key(identity);
      const { account } = identity;
      const path = currentPath(account);
      const text = `${JSON.stringify({ version: VERSION, ...toIdentity(identity) })}\n`;
      await writing(path, account, async () => {
        await writePrivateFile(path, text);
        await rm(nextPath(account), { force: true });
      });
    },
  };
}

/** Why a file is unusable; never contains text of the file. */
class UnusableFile extends Error {}

function toKeyFile(text: string): KeyFile {
  const file = KeyFileSchema.safeParse(toJson(text)).data;
  if (file === undefined) throw new UnusableFile('it is not a key file of this version');
  const key = fromPkcs8(file.privateKeyPkcs8);
  if (key === undefined) throw new UnusableFile('it holds no Ed25519 private key');
  return { agentRuntimeId: file.agentRuntimeId, key };
}

function toPointer(text: string): AgentIdentity {
  const file = PointerSchema.safeParse(toJson(text)).data;
  if (file === undefined) throw new UnusableFile('it names no identity in the form of this version');
  return toIdentity(file);
}

function toIdentity(file: Omit<AgentIdentity, 'expiresAt'> & { expiresAt?: string | undefined }): AgentIdentity {
  const { account, agentRuntimeId, registeredAt, expiresAt } = file;
  return { account, agentRuntimeId, registeredAt, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

/** Undefined if the text is not JSON. The parser's error would quote the text, which is a key. */
function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function reading<T>(path: string, whose: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof UnusableFile ? error.message : `it cannot be read (${reasonOf(error)})`;
    throw keyMissing(path, whose, reason);
  }
}

async function writing(path: string, account: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const advice = 'Make room there, or let this user write it, or configure another key directory.';
    const message = `The key store cannot write ${path} for account ${account} (${reasonOf(error)}). ${advice}`;
    throw new Failure('agentIdentityUnavailable', message, { cause: error, details: { path, account } });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function keyMissing(path: string, whose: string, reason: string): Failure {
  const advice = 'Restore the file from the store that has it, or remove it and register a new identity.';
  return new Failure('agentKeyMissing', `${path} does not give ${whose}: ${reason}. ${advice}`, { details: { path } });
}
