/** What the server was asked lately, without anything that could sign or authenticate a request again. */
import type { IncomingHttpHeaders } from 'node:http';
import { isObject } from '../loopback-http.ts';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** `authorization` holds the scheme alone; other credentials read `removed`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Who the assertion says it is, where there was one. */
  readonly assertion: { agent_runtime_id: string; task_id: string } | undefined;
  /** Parsed JSON; the text where it is none. */
  readonly body: unknown;
  /** HTTP status of the answer, once its head is sent. */
  readonly status: number | undefined;
  /** True once the client went away before the answer was complete. */
  readonly closedByClient: boolean;
}

export interface RequestLog {
  readonly requests: readonly RecordedRequest[];
  add(request: Omit<RecordedRequest, 'status' | 'closedByClient'>, bytes: number): RequestNotes;
  /** The newest request that fits, now or as soon as one does; also asked again when a request's outcome is noted. */
  waitFor(predicate: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  close(): void;
}

export interface RequestNotes {
  answered(status: number): void;
  closedByClient(): void;
}

const MAX_REQUESTS = 500;
const MAX_BYTES = 32 * 1024 * 1024;
const CREDENTIALS = ['cookie', 'proxy-authorization', 'x-openai-authorization', 'api-key', 'x-api-key'];

interface Waiter {
  predicate: (request: RecordedRequest) => boolean;
  resolve: (request: RecordedRequest) => void;
  reject: (error: Error) => void;
}

export function createRequestLog(): RequestLog {
  const requests: RecordedRequest[] = [];
  const sizes: number[] = [];
  const waiters = new Set<Waiter>();
  let total = 0;
  let closed = false;

  const tell = (request: RecordedRequest) => {
    for (const waiter of waiters) {
      if (!waiter.predicate(request)) continue;
      waiters.delete(waiter);
      waiter.resolve(request);
    }
  };
  // A connection that ends because this server closes is nobody's leaving.
  const note = (request: RecordedRequest, change: Partial<RecordedRequest>) => {
    if (!closed) tell(Object.assign(request, change));
  };

  return {
    requests,
    add(request, bytes) {
      const recorded: RecordedRequest = { ...request, status: undefined, closedByClient: false };
      requests.push(recorded);
      sizes.push(bytes);
      total += bytes;
      while (requests.length > MAX_REQUESTS || (total > MAX_BYTES && requests.length > 1)) {
        requests.shift();
        total -= sizes.shift() ?? 0;
      }
      tell(recorded);
      return {
        answered: (status) => note(recorded, { status }),
        closedByClient: () => note(recorded, { closedByClient: true }),
      };
    },
    waitFor(predicate) {
      const known = requests.findLast(predicate);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => waiters.add({ predicate, resolve, reject }));
    },
    close() {
      closed = true;
      for (const waiter of waiters) waiter.reject(new Error('The model server closed before such a request came.'));
      waiters.clear();
    },
  };
}

export function withoutCredentials(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(', ') : (value ?? '');
    if (name === 'authorization') kept[name] = text.split(' ', 1)[0] ?? '';
    else kept[name] = CREDENTIALS.includes(name) ? 'removed' : text;
  }
  return kept;
}

export function toAssertedIds(authorization: string | undefined): RecordedRequest['assertion'] {
  const token = /^AgentAssertion\s+(\S+)$/.exec(authorization?.trim() ?? '')?.[1];
  if (token === undefined) return undefined;
  try {
    const json: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (!isObject(json)) return undefined;
    const { agent_runtime_id: runtimeId, task_id: taskId } = json;
    if (typeof runtimeId !== 'string' || typeof taskId !== 'string') return undefined;
    return { agent_runtime_id: runtimeId, task_id: taskId };
  } catch {
    return undefined;
  }
}
