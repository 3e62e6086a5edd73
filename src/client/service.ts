/** The connection to the Temporal service, with a deadline on every call: a call without one can hang for ever. */
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { DEFAULT_TASK_QUEUE } from '../contract/index.ts';

/** How long a workflow task may take, and so how long a thread waits for a worker that was killed in the middle of one. */
export const WORKFLOW_TASK_TIMEOUT = '5s';

export interface ServiceOptions {
  /** As `Connection.connect` takes them: address, TLS, API key. */
  connection: ConnectionOptions;
  namespace?: string;
  taskQueue?: string;
  /** Milliseconds for one call; 10 seconds by default. */
  deadlineMs?: number;
}

export interface Service {
  client: Client;
  connection: Connection;
  namespace: string;
  taskQueue: string;
  deadlineMs: number;
  /** Runs calls of the client under the deadline. */
  within<T>(call: () => Promise<T>, deadlineMs?: number): Promise<T>;
  close(): Promise<void>;
}

export async function connectService(options: ServiceOptions): Promise<Service> {
  const namespace = options.namespace ?? 'default';
  const deadlineMs = options.deadlineMs ?? 10_000;
  const connection = await Connection.connect({ connectTimeout: deadlineMs, ...options.connection });
  const client = new Client({ connection, namespace });
  return {
    client,
    connection,
    namespace,
    taskQueue: options.taskQueue ?? DEFAULT_TASK_QUEUE,
    deadlineMs,
    within: (call, ms = deadlineMs) => client.withDeadline(Date.now() + ms, call),
    close: () => connection.close(),
  };
}
