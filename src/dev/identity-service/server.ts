/**
 * The reference identity service: a stand-in for the backend that registers agent identities and agent tasks, with the
 * real wire and the real cryptography, for development, tests and benchmarks. Every answer carries the header
 * `x-bobbin-reference-identity-service: 1`, so that nobody takes it for the backend itself.
 *
 * - `POST /v1/agent/register` -> `{ agent_runtime_id, expires_at? }`; any bearer token that is not empty will do
 * - `POST /v1/agent/{id}/task/register` -> `{ encrypted_task_id, expires_at? }`; the signature is the proof
 * - `POST /v1/agent/{id}/revoke`: no assertion and no task of that identity is accepted from then on; the same proof
 * - `POST /reference/verify { authorization }` -> `{ valid: true, ... }` or `{ valid: false, code, message }`
 * - `GET /reference/state` and `POST /reference/control`: see {@link ServiceState} and `drills.ts`
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { listenOnLoopback, pause, readBody, sendJson, toJsonObject, UnreadableRequest } from '../loopback-http.ts';
import { fromOpenSshPublicKey, seal, signatureHolds } from './agent-keys.ts';
import { isTimely, verifyAssertion } from './assertions.ts';
import { ControlSchema, createDrills } from './drills.ts';
import type { Control, Drills } from './drills.ts';
import { openRegistry } from './registry.ts';
import type { RegisteredIdentity, Registry } from './registry.ts';

export const SERVICE_NAME = 'Bobbin reference identity service';
const NAME_HEADERS = { 'x-bobbin-reference-identity-service': '1', server: 'bobbin-reference-identity-service' };

export interface IdentityServiceOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  /** JSON file that keeps what was registered; without it everything is gone at the end. */
  stateFile?: string;
}

export interface ServiceState {
  service: string;
  identities: number;
  /** Tasks ever registered, by `agent_runtime_id`. */
  tasks: Record<string, number>;
  /** Requests so far, by method and path with `{id}` instead of the runtime id. */
  requests: Record<string, number>;
}

export interface IdentityService {
  url: string;
  port: number;
  close(): Promise<void>;
  state(): ServiceState;
  /** The same as `POST /reference/control`. Throws on a body that it cannot read. */
  control(body: Control): Promise<ServiceState>;
}

type Answer = { status: number; body: unknown; headers?: Record<string, string> };

interface Service {
  registry: Registry;
  drills: Drills;
  requests: Map<string, number>;
}

const RegisterSchema = z.object({
  abom: z.object({
    agent_version: z.string().min(1),
    agent_harness_id: z.string().min(1),
    running_location: z.string().min(1),
  }),
  agent_public_key: z.string(),
  capabilities: z.array(z.string()),
});
const ProofSchema = z.strictObject({ timestamp: z.string(), signature: z.string() });
const VerifySchema = z.object({ authorization: z.string().optional() });

/** Starts the service on 127.0.0.1. Rejects when the port is taken or the state file cannot be read. */
export async function startIdentityService(options: IdentityServiceOptions = {}): Promise<IdentityService> {
  const service: Service = {
    registry: await openRegistry(options.stateFile),
    drills: createDrills(),
    requests: new Map(),
  };
  const stopping = new AbortController();
  const listener = await listenOnLoopback(
    SERVICE_NAME,
    options.port ?? 0,
    (request, response) => serve(service, request, response, stopping.signal),
    { onError: answerFailure },
  );
  return {
    url: listener.url,
    port: listener.port,
    state: () => toState(service),
    control: (body) => applyControl(service, body),
    close() {
      stopping.abort(new Error(`The ${SERVICE_NAME} is closing.`));
      return listener.close();
    },
  };
}

async function serve(service: Service, request: IncomingMessage, response: ServerResponse, stopping: AbortSignal) {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const method = request.method ?? 'GET';
  const counted = `${method} ${path.replace(/^(\/v1\/agent\/)[^/]+(\/task\/register|\/revoke)$/, '$1{id}$2')}`;
  service.requests.set(counted, (service.requests.get(counted) ?? 0) + 1);
  const body = await readBody(request);
  const failure = service.drills.takeFailure(path);
  const registering = path.startsWith('/v1/');
  if (registering) await pause(service.drills.delayMs, stopping);
  if (failure !== undefined) {
    const headers = failure.retryAfterSeconds === undefined ? {} : { 'retry-after': String(failure.retryAfterSeconds) };
    send(response, { ...refusal(failure.status, 'drill', 'The service was told to fail this request.'), headers });
  } else if (registering && service.drills.answerNonsense) {
    response.writeHead(200, { 'content-type': 'text/html', ...NAME_HEADERS }).end('<html>no JSON here</html>');
  } else {
    send(response, await answer(service, method, path, request.headers.authorization, body));
  }
}

async function answer(
  service: Service,
  method: string,
  path: string,
  authorization: string | undefined,
  body: string,
): Promise<Answer> {
  if (method === 'GET' && path === '/') return ok({ service: SERVICE_NAME });
  if (method === 'GET' && path === '/reference/state') return ok(toState(service));
  if (method !== 'POST') return refusal(404, 'not_found', `There is no ${method} ${path}.`);
  const json = toJsonObject(body);
  if (path === '/v1/agent/register') return registerIdentity(service, authorization, json);
  const [, runtimeId, what] = /^\/v1\/agent\/([^/]+)\/(task\/register|revoke)$/.exec(path) ?? [];
  if (runtimeId !== undefined) {
    const act = what === 'revoke' ? revokeIdentity : registerTask;
    return act(service, decodeSegment(runtimeId), json);
  }
  if (path === '/reference/verify') {
    return ok(verifyAssertion(parsed(VerifySchema, json).authorization, service.registry));
  }
  if (path === '/reference/control') return ok(await applyControl(service, json));
  return refusal(404, 'not_found', `There is no ${method} ${path}.`);
}

async function registerIdentity(service: Service, authorization: string | undefined, json: object): Promise<Answer> {
  if (!/^Bearer \S/.test(authorization ?? '')) {
    return refusal(401, 'access_token_missing', 'Registering an identity needs an Authorization: Bearer header.');
  }
  const publicKey = fromOpenSshPublicKey(parsed(RegisterSchema, json).agent_public_key);
  if ('problem' in publicKey) return refusal(400, 'public_key_invalid', `agent_public_key ${publicKey.problem}.`);
  const { agentRuntimeId, expiresAtMs } = await service.registry.addIdentity(
    publicKey.key,
    service.drills.identityTtlMs,
  );
  return ok({ agent_runtime_id: agentRuntimeId, ...expiryOf(service, expiresAtMs) });
}

/** The member that reports an end. */
function expiryOf({ drills }: Service, expiresAtMs: number | undefined): { expires_at?: string } {
  if (expiresAtMs === undefined || drills.hideExpiry) return {};
  return { expires_at: new Date(expiresAtMs).toISOString() };
}

async function registerTask(service: Service, runtimeId: string, json: object): Promise<Answer> {
  const proof = checkProof(service, runtimeId, json);
  if ('refused' in proof) return proof.refused;
  const { identity, key } = proof;
  if (identity.revoked) return refusal(403, 'agent_identity_revoked', `Agent runtime ${runtimeId} was revoked.`);
  if ((identity.expiresAtMs ?? Infinity) <= Date.now())
    return refusal(403, 'agent_identity_expired', `Agent runtime ${runtimeId} has expired.`);
  const { taskId, expiresAtMs } = await service.registry.addTask(runtimeId, service.drills.taskTtlMs);
  return ok({ encrypted_task_id: await seal(key, taskId), ...expiryOf(service, expiresAtMs) });
}

async function revokeIdentity(service: Service, runtimeId: string, json: object): Promise<Answer> {
  const proof = checkProof(service, runtimeId, json);
  if ('refused' in proof) return proof.refused;
  await service.registry.revokeIdentities(runtimeId);
  return ok({ agent_runtime_id: runtimeId, revoked: true });
}

/** The identity whose key has signed the request. */
function checkProof(
  service: Service,
  runtimeId: string,
  json: object,
): { refused: Answer } | { identity: RegisteredIdentity; key: Buffer } {
  const { timestamp, signature } = parsed(ProofSchema, json);
  const refuse = (status: number, code: string, message: string) => ({ refused: refusal(status, code, message) });
  const identity = service.registry.identity(runtimeId);
  if (identity === undefined) return refuse(404, 'agent_runtime_unknown', `There is no agent runtime ${runtimeId}.`);
  const key = Buffer.from(identity.publicKey, 'base64');
  if (!signatureHolds(key, `${runtimeId}:${timestamp}`, signature))
    return refuse(401, 'signature_invalid', 'The signature does not fit the registered key.');
  if (!isTimely(timestamp)) return refuse(401, 'timestamp_invalid', `Timestamp ${timestamp} is more than 5 min off.`);
  return { identity, key };
}

async function applyControl(service: Service, body: object): Promise<ServiceState> {
  const control = parsed(ControlSchema, body);
  service.drills.set(control);
  if (control.expireTasks !== undefined) await service.registry.expireTasks(control.expireTasks);
  if (control.revokeIdentities !== undefined) await service.registry.revokeIdentities(control.revokeIdentities);
  return toState(service);
}

function toState(service: Service): ServiceState {
  return { service: SERVICE_NAME, ...service.registry.counts(), requests: Object.fromEntries(service.requests) };
}

function parsed<T>(schema: z.ZodType<T>, body: object): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new UnreadableRequest(400, `The body has the wrong shape: ${z.prettifyError(result.error)}`);
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new UnreadableRequest(400, 'The path is not encoded as a URL should be.');
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function refusal(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message: `${message} (${SERVICE_NAME})` } } };
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  sendJson(response, status, body, { ...NAME_HEADERS, ...headers });
}

function answerFailure(error: unknown, response: ServerResponse): void {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UnreadableRequest) send(response, refusal(error.status, 'bad_request', message));
  else send(response, refusal(500, 'internal', message));
}
