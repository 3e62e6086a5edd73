/**
 * Agent identities and agent tasks over HTTP, with keys on disk. Only this folder sees private keys. Nothing is retried here:
 * each failure says whether a retry may help.
 *
 * - `POST {identityUrl}/v1/agent/register` with the caller's bearer token
 * - `POST {identityUrl}/v1/agent/{agentRuntimeId}/task/register`, where the signature is the proof
 * - `POST {identityUrl}/v1/agent/{agentRuntimeId}/revoke`, the same
 */
import { Failure } from '../../../activities/failures.ts';
import type { AgentIdentity, AgentTask, IdentityPort } from '../../../activities/ports.ts';
import { generateAgentKey } from './agent-key.ts';
import type { AgentKey } from './agent-key.ts';
import type { Store } from '../store/store.ts';
import { createKeyFolder } from './key-files.ts';
import { createKeyStore } from './key-store.ts';
import { createSealedKeys } from './sealed-keys.ts';
import { UnusableToken } from '../credentials/unusable-token.ts';
import { toExpiry } from './lifetime.ts';
import { type Answer, malformed, post } from './registration-http.ts';

export interface IdentityAdapterOptions {
  /** Base URL of the identity service; may have a path. */
  identityUrl: string;
  /** The bearer token that authenticates the registration of an identity for that account; read for each one. */
  accessToken?: (account: string, signal: AbortSignal) => string | Promise<string>;
  /** Folder of the key store, shared by all workers that serve the same accounts. */
  keyDirectory: string;
  /** Keeps the keys in the store of all hosts instead of the folder. `key` has 32 bytes. */
  sealed?: { store: Store; key: Buffer } | undefined;
  /** Timeout of one request, from connecting to the last byte of the answer. */
  timeoutMs?: number;
  /** Version of this program, for the service. */
  version: string;
  /** Environment, for example `worker-linux`. */
  runningLocation: string;
}

const HARNESS_ID = 'bobbin';
const CAPABILITIES = ['responsesapi'];
const DEFAULT_TIMEOUT_MS = 15_000;
const MAX_ID_LENGTH = 512;

export function createIdentityAdapter(options: IdentityAdapterOptions): IdentityPort {
  const folder = createKeyFolder(options.keyDirectory);
  const { sealed } = options;
  const store = createKeyStore(sealed === undefined ? folder : createSealedKeys(sealed.store, sealed.key, folder));
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const base = options.identityUrl.replace(/\/+$/, '');

  return {
    async registerIdentity(account, signal, replaces = null) {
      signal.throwIfAborted();
      const left = await store.next(account, replaces);
      if (left !== undefined) return left;
      const url = `${base}/v1/agent/register`;
      const doing = `Registering an agent identity for account ${account}`;
      const bearer = await bearerFor(options.accessToken, account, doing, signal);
      await store.checkWritable(account);
      const key = generateAgentKey();
      const body = {
        abom: {
          agent_version: options.version,
          agent_harness_id: HARNESS_ID,
          running_location: options.runningLocation,
        },
        agent_public_key: key.publicKey,
        capabilities: CAPABILITIES,
      };
      const answer = await post({ url, body, bearer, doing, secrets: [bearer], timeoutMs, signal });
      const agentRuntimeId = toId(answer.body['agent_runtime_id']);
      if (agentRuntimeId === undefined) throw malformed({ url, doing }, 'has no usable agent_runtime_id');
      const identity = { account, agentRuntimeId, registeredAt: timestampNow(), ...endOf(answer) };
      await store.keep(identity, key, replaces);
      return identity;
    },

    useIdentity: (identity) => store.use(identity),
    currentIdentity: (account) => store.current(account, true),

    async registerTask(identity, signal) {
      signal.throwIfAborted();
      const { account, agentRuntimeId } = identity;
      const url = `${base}/v1/agent/${encodeURIComponent(agentRuntimeId)}/task/register`;
      const doing = `Registering an agent task under agent runtime ${agentRuntimeId} of account ${account}`;
      const key = await store.key(identity);
      const body = toProof(identity, key);
      const answer = await post({ url, body, doing, secrets: [body.signature], timeoutMs, signal });
      const taskId = await toTaskId(answer.body, key);
      if ('problem' in taskId) throw malformed({ url, doing }, taskId.problem);
      return { agentRuntimeId, taskId: taskId.id, registeredAt: timestampNow(), ...endOf(answer) };
    },

    async revokeIdentity(identity, signal) {
      signal.throwIfAborted();
      const { account, agentRuntimeId } = identity;
      const url = `${base}/v1/agent/${encodeURIComponent(agentRuntimeId)}/revoke`;
      const doing = `Revoking agent runtime ${agentRuntimeId} of account ${account}`;
      const revoke = async (): Promise<void> => {
        const body = toProof(identity, await store.key(identity));
        await post({ url, body, doing, secrets: [body.signature], timeoutMs, signal });
      };
      const problem = await revoke().then(
        () => null,
        (error: unknown) => {
          signal.throwIfAborted();
          return error instanceof Error ? error.message : String(error);
        },
      );
      await store.discard(identity);
      return { problem };
    },

    async assertion(account, task) {
      const isOf = (one: AgentIdentity | undefined) => one?.agentRuntimeId === task.agentRuntimeId;
      const known = await store.current(account);
      // Another host may have replaced it a moment ago.
      const current = isOf(known) ? known : await store.current(account, true);
      if (current === undefined || !isOf(current)) throw stale(account, task, current);
      return toAuthorization(task, await store.key(current));
    },
  };
}

/** The proof of the key that the service asks for. */
function toProof({ agentRuntimeId }: AgentIdentity, key: AgentKey): { timestamp: string; signature: string } {
  const timestamp = timestampNow();
  return { timestamp, signature: key.sign(`${agentRuntimeId}:${timestamp}`) };
}

function endOf({ body, serviceNow }: Answer): { expiresAt?: string } {
  const expiresAt = toExpiry(body, serviceNow);
  return expiresAt === undefined ? {} : { expiresAt };
}

/** Header value `AgentAssertion <token>`; the token is the base64url of a JSON object with its keys in sorted order. */
function toAuthorization(task: AgentTask, key: AgentKey): string {
  const timestamp = timestampNow();
  const assertion = {
    agent_runtime_id: task.agentRuntimeId,
    signature: key.sign(`${task.agentRuntimeId}:${task.taskId}:${timestamp}`),
    task_id: task.taskId,
    timestamp,
  };
  return `AgentAssertion ${Buffer.from(JSON.stringify(assertion), 'utf8').toString('base64url')}`;
}

function stale(account: string, task: AgentTask, current: AgentIdentity | undefined): Failure {
  const inUse = current === undefined ? 'no identity is in use' : `${current.agentRuntimeId} is in use`;
  return new Failure(
    'agentTaskStale',
    `Agent task ${task.taskId} was registered under agent runtime ${task.agentRuntimeId}, but for account ${account} ` +
      `${inUse}. Register a task under the identity in use.`,
    { details: { account, taskId: task.taskId, agentRuntimeId: task.agentRuntimeId } },
  );
}

/** Refuses a token that is invalid in a header, because `fetch` would quote it in its error. */
async function bearerFor(
  accessToken: IdentityAdapterOptions['accessToken'],
  account: string,
  doing: string,
  signal: AbortSignal,
): Promise<string> {
  const token = await askFor(() => accessToken?.(account, signal), doing, signal);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const problem = token === '' ? 'there is no access token' : 'the access token has characters that no header may have';
  throw new Failure('agentIdentityRefused', `${doing} was not tried: ${problem}. Configure one for the account.`);
}

async function askFor(
  ask: () => string | Promise<string> | undefined,
  doing: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    return (await ask()) ?? '';
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UnusableToken) throw error.toFailure(doing);
    const message = `${doing} was not tried: the access token could not be obtained. See the cause.`;
    throw new Failure('agentIdentityUnavailable', message, { cause: error });
  }
}

/** The plain task id if the service gives one, else the one in the sealed box. */
async function toTaskId(answer: Record<string, unknown>, key: AgentKey): Promise<{ id: string } | { problem: string }> {
  const plain = toId(answer['task_id'] ?? answer['taskId']);
  if (plain !== undefined) return { id: plain };
  const box = answer['encrypted_task_id'] ?? answer['encryptedTaskId'];
  if (typeof box !== 'string') return { problem: 'has no task id' };
  const opened = await key.openSealedBox(Buffer.from(box, 'base64'));
  if (opened === undefined) return { problem: 'holds a task id that was not sealed for this key' };
  const id = toId(opened.toString('utf8'));
  return id === undefined ? { problem: 'holds a sealed task id that is no id' } : { id };
}

/** An id that is safe in the path of a URL (unlike `..`) and in a signed text. */
function toId(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_ID_LENGTH) return undefined;
  return /^[\x21-\x7e]+$/.test(value) && !/^\.+$/.test(value) ? value : undefined;
}

/** RFC 3339, UTC, whole seconds: the form that is signed. */
function timestampNow(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
