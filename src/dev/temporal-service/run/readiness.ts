import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const LOOK_EVERY_MS = 50;

/**
 * Checks everything that a first workflow needs: the service, the namespace, its shard, and matching. Registers a missing
 * namespace. Rejects if one of them does not answer within `timeoutMs`.
 */
export async function requireReady(address: string, namespace: string, timeoutMs: number): Promise<void> {
  const connection = Connection.lazy({ address, connectTimeout: timeoutMs, interceptors: [] });
  const { workflowService } = connection;
  try {
    await connection.withDeadline(Date.now() + timeoutMs, async () => {
      await workflowService.getSystemInfo({});
      await requireNamespace(connection, namespace);
      const execution = { workflowId: 'bobbin-readiness' };
      await expectNotFound(workflowService.describeWorkflowExecution({ namespace, execution }));
      await workflowService.describeTaskQueue({ namespace, taskQueue: { name: 'bobbin-readiness' } });
    });
  } finally {
    await connection.close();
  }
}

async function requireNamespace(connection: Connection, namespace: string): Promise<void> {
  try {
    await connection.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (!hasStatus(error, NOT_FOUND)) throw error;
    await connection.workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs('1 day') })
      .catch((refused: unknown) => {
        if (!hasStatus(refused, ALREADY_EXISTS)) throw refused;
      });
    throw error;
  }
}

async function expectNotFound(answer: Promise<unknown>): Promise<void> {
  await answer.catch((error: unknown) => {
    if (!hasStatus(error, NOT_FOUND)) throw error;
  });
}

function hasStatus(error: unknown, code: number): boolean {
  return isGrpcServiceError(error) && (error.code as number) === code;
}

/**
 * Repeats the check until the service is ready. In between it only tests whether the port is open, because gRPC retries
 * a refused connection after a second at the earliest. Rejects with the last error after `timeoutMs`, or with the
 * reason of `signal`.
 */
export async function waitUntilReady(
  address: string,
  namespace: string,
  options: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const until = Date.now() + options.timeoutMs;
  let last: unknown = new Error(`nothing listens on ${address}`);
  while (Date.now() < until) {
    options.signal?.throwIfAborted();
    try {
      if (await isOpen(address)) {
        await requireReady(address, namespace, Math.min(2_000, until - Date.now()));
        return;
      }
    } catch (error) {
      last = error;
    }
    await sleep(LOOK_EVERY_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  throw last;
}

async function isOpen(address: string): Promise<boolean> {
  const separator = address.lastIndexOf(':');
  const socket = connect({ host: address.slice(0, separator), port: Number(address.slice(separator + 1)) });
  const opened = new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  });
  return await opened.finally(() => socket.destroy());
}
