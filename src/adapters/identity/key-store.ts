/**
 * The key store: small files that several processes may share, in a folder or sealed in the store of the hosts.
 *
 * - `<runtimeId>.json`: the key of one identity; written once
 * - `current/<account>.json`: which identity an account uses; replaced as a whole
 * - `next/<account>.json`: which identity was registered and is not in use yet, and which one it replaces: a worker that
 *   ends in between leaves it to the next attempt
 */
import { z } from 'zod';
import type { AgentIdentity } from '../../../activities/ports.ts';
import { Failure } from '../../../activities/failures.ts';
import { StoreUnavailable } from '../store/store.ts';
import { fromPkcs8 } from './agent-key.ts';
import type { AgentKey } from './agent-key.ts';
import { type KeyPlace, toFileName } from './key-files.ts';
import { UnusableFile } from './unusable-file.ts';

export interface KeyStore {
  /** Fails with `agentIdentityUnavailable` if a key could not be stored. Call it before a registration. */
  checkWritable(account: string): Promise<void>;
  /** @param replaces runtime id of the identity that it replaces; null for none */
  keep(identity: AgentIdentity, key: AgentKey, replaces?: string | null): Promise<void>;
  /** The identity that was kept to replace that one and is not in use yet; undefined if there is none that is valid. */
  next(account: string, replaces: string | null): Promise<AgentIdentity | undefined>;
  /** Fails with `agentKeyMissing` if this store has no key for the identity. */
  use(identity: AgentIdentity): Promise<void>;
  /** @param fresh as it is now, however recently it was read */
  current(account: string, fresh?: boolean): Promise<AgentIdentity | undefined>;
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

export function createKeyStore(place: KeyPlace): KeyStore {
  const keyName = (agentRuntimeId: string) => `${toFileName(agentRuntimeId)}.json`;
  const currentName = (account: string) => `current/${toFileName(account)}.json`;
  const nextName = (account: string) => `next/${toFileName(account)}.json`;

  const key: KeyStore['key'] = async ({ account, agentRuntimeId }) => {
    const name = keyName(agentRuntimeId);
    const path = place.where(name);
    const whose = `the key of agent runtime ${agentRuntimeId} (account ${account})`;
    const text = await reading(path, whose, () => place.read(name));
    if (text === undefined) throw keyMissing(path, whose, 'there is no such file');
    const file = await reading(path, whose, () => toKeyFile(text));
    if (file.agentRuntimeId !== agentRuntimeId) {
      throw keyMissing(path, whose, `it belongs to agent runtime ${file.agentRuntimeId}`);
    }
    return file.key;
  };
  const pointer = async (name: string, fresh?: boolean): Promise<AgentIdentity | undefined> => {
    const text = await place.read(name, fresh);
    return text === undefined ? undefined : toPointer(text);
  };

  return {
    key,
    async current(account, fresh) {
      const name = currentName(account);
      const path = place.where(name);
      const whose = `the identity in use of account ${account}`;
      const identity = await reading(path, whose, () => pointer(name, fresh));
      if (identity === undefined || identity.account === account) return identity;
      throw keyMissing(path, whose, `it belongs to account ${identity.account}`);
    },
    checkWritable: (account) => writing(place.where(''), account, () => place.checkWritable()),
    keep(identity, agentKey, replaces = null) {
      const name = keyName(identity.agentRuntimeId);
      const file = { version: VERSION, ...identity, privateKeyPkcs8: agentKey.toPkcs8() };
      const next = { version: VERSION, ...identity, replaces };
      return writing(place.where(name), identity.account, async () => {
        await place.write(name, `${JSON.stringify(file)}\n`);
        await place.write(nextName(identity.account), `${JSON.stringify(next)}\n`);
      });
    },
    async next(account, replaces) {
      const text = await place.read(nextName(account), true).catch((error: unknown) => {
        // Another identity must not be registered because the store is away for a moment.
        if (error instanceof StoreUnavailable) throw toUnavailable(error);
        return undefined;
      });
      const left = NextSchema.safeParse(toJson(text ?? '')).data;
      if (left?.account !== account || left.replaces !== replaces) return undefined;
      const identity = toIdentity(left);
      if (Date.parse(identity.expiresAt ?? '9999-12-31') <= Date.now()) return undefined;
      return key(identity).then(
        () => identity,
        () => undefined,
      );
    },
    async discard({ account, agentRuntimeId }) {
      const name = currentName(account);
      await writing(place.where(name), account, async () => {
        const current = await pointer(name, true).catch(() => undefined);
        if (current?.agentRuntimeId === agentRuntimeId) await place.remove(name);
        await place.remove(keyName(agentRuntimeId));
      });
    },
    async use(identity) {
      await key(identity);
      const { account } = identity;
      const name = currentName(account);
      const text = `${JSON.stringify({ version: VERSION, ...toIdentity(identity) })}\n`;
      await writing(place.where(name), account, async () => {
        await place.write(name, text);
        await place.remove(nextName(account));
      });
    },
  };
}

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

async function reading<T>(path: string, whose: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof StoreUnavailable) throw toUnavailable(error);
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

function toUnavailable(error: StoreUnavailable): Failure {
  return new Failure('agentIdentityUnavailable', error.message, { cause: error });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function keyMissing(path: string, whose: string, reason: string): Failure {
  const advice = 'Restore the file from the store that has it, or remove it and register a new identity.';
  return new Failure('agentKeyMissing', `${path} does not give ${whose}: ${reason}. ${advice}`, { details: { path } });
}
