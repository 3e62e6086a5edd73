/** For tests: messages as a client of no SDK would send them, byte by byte. */
import { randomUUID } from 'node:crypto';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { TestEnvironment } from '../environment.ts';

/** A payload as it is on the wire: metadata of bytes, and data of bytes. */
export interface RawPayload {
  metadata: Record<string, Uint8Array>;
  data: Uint8Array;
}

export function rawPayload(encoding: string, data: string | Uint8Array): RawPayload {
  return { metadata: { encoding: Buffer.from(encoding) }, data: Buffer.from(data) };
}

export function json(value: unknown): RawPayload {
  return rawPayload('json/plain', JSON.stringify(value));
}

export async function sendSignal(
  environment: TestEnvironment,
  { workflowId }: Pick<ThreadHandle, 'workflowId'>,
  signalName: string,
  ...payloads: RawPayload[]
): Promise<void> {
  const { service } = environment.bobbin;
  await service.within(async () => {
    await service.connection.workflowService.signalWorkflowExecution({
      namespace: service.namespace,
      workflowExecution: { workflowId },
      signalName,
      input: { payloads },
      requestId: randomUUID(),
      identity: 'raw client',
    });
  });
}

/** Starts a workflow of type `thread` with whatever arguments. */
export async function startRaw(
  environment: TestEnvironment,
  workflowId: string,
  ...payloads: RawPayload[]
): Promise<void> {
  await startRawWorkflow(environment, { type: 'thread', workflowId }, ...payloads);
}

export async function startRawWorkflow(
  environment: TestEnvironment,
  { type, ...started }: { type: string; workflowId: string; cronSchedule?: string },
  ...payloads: RawPayload[]
): Promise<void> {
  const { service } = environment.bobbin;
  await service.within(async () => {
    await service.connection.workflowService.startWorkflowExecution({
      namespace: service.namespace,
      ...started,
      workflowType: { name: type },
      taskQueue: { name: environment.taskQueue },
      input: { payloads },
      requestId: randomUUID(),
      identity: 'raw client',
    });
  });
}

/**
 * Throws where the newest run of the thread failed, or one of its workflow tasks did. A task that the service itself
 * gave up, because something new had come meanwhile, is not a failure.
 */
export async function assertHealthy(environment: TestEnvironment, workflowId: string): Promise<void> {
  const handle = environment.bobbin.service.client.workflow.getHandle(workflowId);
  const { status } = await handle.describe();
  if (status.name !== 'RUNNING' && status.name !== 'COMPLETED') throw new Error(`${workflowId} is ${status.name}`);
  const { events } = await handle.fetchHistory();
  for (const { workflowTaskFailedEventAttributes: failed, eventId } of events ?? []) {
    if (failed == null || PASSING.has(Number(failed.cause))) continue;
    const what = `${failed.cause ?? 'no cause'}: ${failed.failure?.message ?? ''}`;
    throw new Error(`A task of ${workflowId} failed at event ${String(eventId)}, cause ${what}`);
  }
}

/** Of `temporal.api.enums.v1.WorkflowTaskFailedCause`: UNHANDLED_COMMAND, FORCE_CLOSE_COMMAND, UNHANDLED_UPDATE. */
const PASSING = new Set([1, 17, 31]);
