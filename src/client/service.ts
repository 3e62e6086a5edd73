/** The connection to the Temporal service. Every call has a deadline, because a call without one can hang for ever. */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay, setImmediate as immediate } from 'node:timers/promises';
import {
  Client,
  Connection,
  QueryNotRegisteredError,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { DEFAULT_TASK_QUEUE } from '../contract/index.ts';
import { again } from './ask-again.ts';
import { GRPC, SilentServiceError, grpcStatus } from './grpc.ts';
import { messageSize } from './message-size.ts';
import { repeatedQueries } from './repeated-queries.ts';

/** The Temporal service, and how to connect to it. */
export interface ServiceAddress {
  /** `host:port`. `127.0.0.1:7233` by default. */
  address?: string;
  /** `true` for TLS with the certificates of the system, or the parts that differ. Certificates and keys are PEM. */
  tls?:
    | boolean
    | null
    | {
        serverNameOverride?: string;
        serverRootCACertificate?: Uint8Array;
        clientCertPair?: { crt: Uint8Array; key: Uint8Array };
      };
  /** For Temporal Cloud. A function is called for each request. */
  apiKey?: string | (() => string);
  /** Headers of every request. */
  metadata?: Record<string, string | Buffer>;
  /** Options of grpc-js. */
  channelArgs?: Record<string, unknown>;
}

export interface ServiceOptions {
  connection: ServiceAddress;
  namespace?: string;
  taskQueue?: string;
  /** Deadline of one call in milliseconds; 10 seconds by default. */
  deadlineMs?: number;
  /** Time to reach the service, in milliseconds; the deadline of a call by default. */
  connectTimeoutMs?: number;
}

export interface Service {
  client: Client;
  connection: Connection;
  namespace: string;
  taskQueue: string;
  deadlineMs: number;
  /** Runs a call of the client with the deadline. A call that asks a query must be idempotent, because it may be repeated. */
  within<T>(call: () => Promise<T>, deadlineMs?: number): Promise<T>;
  /** Ends the calls of the client within `call` when the signal fires. */
  untilAborted<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T>;
  /** Concurrent calls with the same key are one call, with one answer. For readers of the same thread. */
  share<T>(key: string, call: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The same with another deadline for each call, in milliseconds. */
export function withDeadline(service: Service, deadlineMs: number): Service {
  return { ...service, deadlineMs, within: (call, ms = deadlineMs) => service.within(call, ms) };
}

/** Maximum bytes of one answer. A page of history can be larger than gRPC's default of 4 MiB. */
const MAX_ANSWER_BYTES = 128 * 1024 * 1024;

export async function connectService(options: ServiceOptions): Promise<Service> {
  const namespace = options.namespace ?? 'default';
  const deadlineMs = options.deadlineMs ?? 10_000;
  const retries = createRetries();
  const connection = await Connection.connect({
    connectTimeout: options.connectTimeoutMs ?? deadlineMs,
    interceptors: [retries.interceptor],
    ...options.connection,
    channelArgs: { 'grpc.max_receive_message_length': MAX_ANSWER_BYTES, ...options.connection.channelArgs },
  });
  const client = new Client({ connection, namespace, interceptors: { workflow: [messageSize, repeatedQueries()] } });
  const shared = new Map<string, Promise<unknown>>();
  return {
    client,
    connection,
    namespace,
    taskQueue: options.taskQueue ?? DEFAULT_TASK_QUEUE,
    deadlineMs,
    within(call, ms = deadlineMs) {
      const until = Date.now() + ms;
      const last = Math.min(until, Date.now() + BETWEEN_WORKERS_MS.inAll);
      const called = again(() => client.withDeadline(until, call), isTaskToCome, {
        until: last,
        pauseMs: BETWEEN_WORKERS_MS,
      });
      return called.catch(async (error: unknown) => {
        if (grpcStatus(error) !== GRPC.DEADLINE_EXCEEDED || (await answers(connection))) throw error;
        throw new SilentServiceError(error);
      });
    },
    async untilAborted(signal, call) {
      // The SDK adds a listener for each call, and removes none: a reader would keep all its calls in memory.
      const own = new AbortController();
      setMaxListeners(0, own.signal);
      const onAbort = () => own.abort(signal.reason);
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort);
      try {
        return await connection.withAbortSignal(own.signal, call);
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    },
    share<T>(key: string, call: () => Promise<T>): Promise<T> {
      const known = shared.get(key) as Promise<T> | undefined;
      if (known !== undefined) return known;
      const own = call().finally(() => shared.delete(key));
      shared.set(key, own);
      return own;
    },
    async close() {
      await retries.end();
      await connection.close();
    },
  };
}

/** How long a service that works may take to answer a question about itself. */
const PROBE_MS = 1_000;

/** Distinguishes a service that is silent from one whose workers are. */
async function answers(connection: Connection): Promise<boolean> {
  try {
    await connection.withDeadline(Date.now() + PROBE_MS, () => connection.workflowService.getSystemInfo({}));
    return true;
  } catch {
    return false;
  }
}

/** Pause before a query is repeated because its worker was just taking over the workflow, in milliseconds. */
const BETWEEN_WORKERS_MS = { first: 10, most: 250, inAll: 2_000 };

/**
 * A worker that may know more than is recorded refuses queries; a repeated query finds one that answers. See
 * `workflows/sandbox/stale-query-fence.ts`.
 */
function isTaskToCome(error: unknown): boolean {
  return error instanceof QueryNotRegisteredError && error.message.startsWith('taskToCome: ');
}

/** Longest pause before a call is repeated. A service that was killed is back within seconds. */
const LONGEST_RETRY_MS = 1_000;

/**
 * The SDK's retries with two differences: shorter pauses, and an end. An SDK retry that becomes due after the connection was
 * closed throws where nothing can catch it.
 */
function createRetries() {
  const sdk = defaultGrpcRetryOptions();
  let ended = false;
  let lastDueAt = 0;
  const interceptor = makeGrpcRetryInterceptor({
    retryableDecider: (attempt, status) => !ended && sdk.retryableDecider(attempt, status),
    delayFunction(attempt, status) {
      const ms = Math.min(sdk.delayFunction(attempt, status), LONGEST_RETRY_MS);
      lastDueAt = Math.max(lastDueAt, Date.now() + ms);
      return ms;
    },
  });
  return {
    interceptor,
    /** Plans no further retries, and waits for the planned ones. */
    async end(): Promise<void> {
      ended = true;
      while (Date.now() <= lastDueAt) await delay(lastDueAt - Date.now() + 1);
      // On a busy machine this timer may be the first of all that are due.
      await immediate();
    },
  };
}
