/**
 * Agent identities and agent tasks over HTTP, with keys on disk. Only this folder sees private keys. Nothing is retried here:
 * each failure says whether a retry may help.
 *
 * - `POST {identityUrl}/v1/agent/register` with the caller's bearer token
 * - `POST {identityUrl}/v1/agent/{agentRuntimeId}/task/register`, where the signature is the proof
 */
import { Failure } from '../../../activities/failures.ts';
import type { AgentIdentity, AgentTask, IdentityPort } from '../../../activities/ports.ts';
import { generateAgentKey } from './agent-key.ts';
import type { AgentKey } from './agent-key.ts';
import { createKeyStore } from './key-store.ts';
import { malformed, post } from './registration-http.ts';

export interface IdentityAdapterOptions {
  /** Base URL of the identity service; may have a path. */
  identityUrl: string;
  /** The bearer token that authenticates registrations of identities; read for each registration. */
  accessToken?: () => string | Promise<string>;
  /** Folder of the key store, shared by all workers that serve the same accounts. */
  keyDirectory: string;
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
  const store = createKeyStore(options.keyDirectory);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const base = options.identityUrl.replace(/\/+$/, '');

  return {
    async registerIdentity(account, signal) {
      signal.throwIfAborted();
      const url = `${base}/v1/agent/register`;
      const doing = `Registering an agent identity for account ${account}`;
      const bearer = await bearerFor(options.accessToken, doing);
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
      const agentRuntimeId = toId(answer['agent_runtime_id']);
      if (agentRuntimeId === undefined) throw malformed({ url, doing }, 'has no usable agent_runtime_id');
      const identity = { account, agentRuntimeId, registeredAt: timestampNow() };
      await store.keep(identity, key);
      return identity;
    },

    useIdentity: (identity) => store.use(identity),
    currentIdentity: (account) => store.current(account),

    async registerTask(identity, signal) {
      signal.throwIfAborted();
      const { account, agentRuntimeId } = identity;
      const url = `${base}/v1/agent/${encodeURIComponent(agentRuntimeId)}/task/register`;
      const doing = `Registering an agent task under agent runtime ${agentRuntimeId} of account ${account}`;
      const key = await store.key(identity);
      const timestamp = timestampNow();
      const signature = key.sign(`${agentRuntimeId}:${timestamp}`);
      const body = { timestamp, signature };
      const answer = await post({ url, body, doing, secrets: [signature], timeoutMs, signal });
      const taskId = await toTaskId(answer, key);
      if ('problem' in taskId) throw malformed({ url, doing }, taskId.problem);
      return { agentRuntimeId, taskId: taskId.id, registeredAt: timestampNow() };
    },

    async assertion(account, task) {
      const current = await store.current(account);
      if (current?.agentRuntimeId !== task.agentRuntimeId) throw stale(account, task, current);
      return toAuthorization(task, await store.key(current));
    },
  };
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
async function bearerFor(accessToken: IdentityAdapterOptions['accessToken'], doing: string): Promise<string> {
  const token = await askFor(accessToken, doing);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const problem = token === '' ? 'there is no access token' : 'the access token has characters that no header may have';
  throw new Failure('agentIdentityRefused', `${doing} was not tried: ${problem}. Configure one for the account.`);
}

async function askFor(accessToken: IdentityAdapterOptions['accessToken'], doing: string): Promise<string> {
  try {
    return (await accessToken?.()) ?? '';
  } catch (error) {
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
