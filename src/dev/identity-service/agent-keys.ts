/**
 * Public-key work of the reference identity service. It shares no code with the adapter on purpose: two readings of one
 * wire format check each other.
 */
import { createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import sodium from 'libsodium-wrappers';

const KEY_TYPE = 'ssh-ed25519';
const KEY_BYTES = 32;
const BLOB_BYTES = 4 + KEY_TYPE.length + 4 + KEY_BYTES;
const SIGNATURE_BYTES = 64;

/** The 32 raw bytes of an OpenSSH public key line, or why it is none. */
export function fromOpenSshPublicKey(line: string): { key: Buffer } | { problem: string } {
  const [type, encoded] = line.trim().split(/\s+/);
  if (type !== KEY_TYPE || encoded === undefined) return { problem: `must read "${KEY_TYPE} <base64>"` };
  const blob = Buffer.from(encoded, 'base64');
  if (blob.length !== BLOB_BYTES) return { problem: `the key blob must have ${BLOB_BYTES} bytes, not ${blob.length}` };
  const name = blob.subarray(4, 4 + KEY_TYPE.length).toString('latin1');
  if (blob.readUInt32BE(0) !== KEY_TYPE.length || name !== KEY_TYPE)
    return { problem: 'the key blob names no ed25519' };
  if (blob.readUInt32BE(4 + KEY_TYPE.length) !== KEY_BYTES)
    return { problem: 'the key in the blob must have 32 bytes' };
  return { key: blob.subarray(BLOB_BYTES - KEY_BYTES) };
}

/** Whether `signature` (standard base64) is the key's own Ed25519 signature over the ASCII text. */
export function signatureHolds(rawKey: Buffer, text: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  if (bytes.length !== SIGNATURE_BYTES) return false;
  return verify(null, Buffer.from(text, 'utf8'), toKeyObject(rawKey), bytes);
}

function toKeyObject(rawKey: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: rawKey.toString('base64url') }, format: 'jwk' });
}

/** A libsodium sealed box for the Curve25519 key that belongs to the Ed25519 key, in base64. */
export async function seal(rawKey: Buffer, text: string): Promise<string> {
  await sodium.ready;
  const curveKey = sodium.crypto_sign_ed25519_pk_to_curve25519(rawKey);
  return Buffer.from(sodium.crypto_box_seal(text, curveKey)).toString('base64');
}
