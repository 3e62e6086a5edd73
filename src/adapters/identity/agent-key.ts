/**
 * An Ed25519 key pair of an agent identity. The private key never leaves this folder: not in a value, a message or the cause
 * of an error.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface AgentKey {
  /** OpenSSH text form, `ssh-ed25519 <base64>`. */
  publicKey: string;
  /** Ed25519 signature over the text, in standard base64. */
  sign(text: string): string;
  /** Opens a libsodium sealed box for this key; undefined if it was made for another one. */
  openSealedBox(box: Buffer): Promise<Buffer | undefined>;
  /** PKCS#8 DER in base64, only for the key file. */
  toPkcs8(): string;
}

const KEY_TYPE = Buffer.from('ssh-ed25519', 'latin1');
const SEED_BYTES = 32;

export function generateAgentKey(): AgentKey {
  return toAgentKey(generateKeyPairSync('ed25519').privateKey);
}

/** Undefined for anything but an Ed25519 key. Drops OpenSSL's error, which may quote its input. */
export function fromPkcs8(base64: string): AgentKey | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'pkcs8' });
    return key.asymmetricKeyType === 'ed25519' ? toAgentKey(key) : undefined;
  } catch {
    return undefined;
  }
}

function toAgentKey(key: KeyObject): AgentKey {
  return {
    publicKey: toOpenSshPublicKey(key),
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64'),
    openSealedBox: (box) => openSealedBox(box, key),
    toPkcs8: () => key.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
  };
}

function toOpenSshPublicKey(key: KeyObject): string {
  const raw = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
  const blob = Buffer.concat([lengthOf(KEY_TYPE), KEY_TYPE, lengthOf(raw), raw]);
  return `ssh-ed25519 ${blob.toString('base64')}`;
}

function lengthOf(bytes: Buffer): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(bytes.length);
  return prefix;
}

/** Loaded on first use, because only services that seal task ids need it. */
async function openSealedBox(box: Buffer, key: KeyObject): Promise<Buffer | undefined> {
  const { default: sodium } = await import('libsodium-wrappers');
  await sodium.ready;
  const secret = toCurve25519Secret(key);
  try {
    return Buffer.from(sodium.crypto_box_seal_open(box, sodium.crypto_scalarmult_base(secret), secret));
  } catch {
    return undefined;
  } finally {
    secret.fill(0);
  }
}

/** SHA-512 of the Ed25519 seed, its first 32 bytes, clamped as in RFC 7748. */
function toCurve25519Secret(key: KeyObject): Buffer {
  const seed = Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url');
  const secret = createHash('sha512').update(seed).digest().subarray(0, SEED_BYTES);
  seed.fill(0);
  secret[0] = (secret[0] ?? 0) & 248;
  secret[31] = ((secret[31] ?? 0) & 127) | 64;
  return secret;
}
