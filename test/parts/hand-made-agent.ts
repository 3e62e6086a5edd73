/** An agent for tests, made by hand from Node's own crypto: it registers with an identity service and signs. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import sodium from 'libsodium-wrappers';

export interface HandMadeAgent {
  runtimeId: string;
  /** Ed25519 signature over the text, in base64. */
  signed: (text: string) => string;
  /** Registers a task and opens the sealed box it comes in. */
  registerTask: () => Promise<string>;
  /** Value of the `Authorization` header for a task. */
  header: (taskId: string, timestamp?: string) => string;
}

/** `ssh-ed25519`, length-prefixed, and the length of the key that follows. */
const BLOB_HEAD = Buffer.from('0000000b7373682d6564323535313900000020', 'hex');

export async function registerByHand(serviceUrl: string): Promise<HandMadeAgent> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  const signed = (text: string) => sign(null, Buffer.from(text), privateKey).toString('base64');
  const { body } = await postTo(`${serviceUrl}/v1/agent/register`, toRegistration(toPublicKeyLine(raw)), 'Bearer any');
  const runtimeId = String(body['agent_runtime_id']);
  return {
    runtimeId,
    signed,
    async registerTask() {
      const timestamp = new Date().toISOString();
      const url = `${serviceUrl}/v1/agent/${runtimeId}/task/register`;
      const answer = await postTo(url, { timestamp, signature: signed(`${runtimeId}:${timestamp}`) });
      await sodium.ready;
      const seed = Buffer.from(privateKey.export({ format: 'jwk' }).d ?? '', 'base64url');
      const secret = createHash('sha512').update(seed).digest().subarray(0, 32);
      const box = Buffer.from(String(answer.body['encrypted_task_id']), 'base64');
      return Buffer.from(sodium.crypto_box_seal_open(box, sodium.crypto_scalarmult_base(secret), secret)).toString();
    },
    header(taskId, timestamp = new Date().toISOString()) {
      const signature = signed(`${runtimeId}:${taskId}:${timestamp}`);
      const assertion = { agent_runtime_id: runtimeId, signature, task_id: taskId, timestamp };
      return `AgentAssertion ${Buffer.from(JSON.stringify(assertion)).toString('base64url')}`;
    },
  };
}

export function toPublicKeyLine(raw: Buffer): string {
  return `ssh-ed25519 ${Buffer.concat([BLOB_HEAD, raw]).toString('base64')}`;
}

export function toRegistration(publicKey: string): object {
  const abom = { agent_version: '1', agent_harness_id: 'by-hand', running_location: 'test' };
  return { abom, agent_public_key: publicKey, capabilities: [] };
}

export async function postTo(url: string, body: unknown, authorization = '') {
  const headers = { 'content-type': 'application/json', ...(authorization === '' ? {} : { authorization }) };
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(url, { method: 'POST', headers, body: text });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}
