/** The hosts of a task queue, as they have registered themselves. */
import { type WorkflowExecutionInfo, WorkflowNotFoundError } from '@temporalio/client';
import { HostIdSchema, type HostRegistration, type HostStatus, type HostView } from '../../contract/index.ts';
import { toHostWorkflowId } from '../../contract/plain/hosts.ts';
import { drainHostSignal, forgetHostSignal } from '../../../workflows/host/messages.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import type { Service } from '../service.ts';
import { stepsOfHost, workersOfHost } from '../workers.ts';
import { type Leaving, leaveHost } from './leave-host.ts';

export const HOST_WORKFLOW_TYPE = 'host';

/** In the order of their ids. */
export async function listHosts(service: Service): Promise<HostView[]> {
  const registered = await listRegistrations(service);
  return Promise.all(registered.map((one) => toView(service, one)));
}

/** The same without asking who serves them. */
export async function listRegistrations(service: Service): Promise<HostRegistration[]> {
  const found = new Map<string, HostRegistration>();
  const query = `WorkflowType = "${HOST_WORKFLOW_TYPE}" AND TaskQueue = "${service.taskQueue}" AND ExecutionStatus = "Running"`;
  await service.within(async () => {
    for await (const info of service.client.workflow.list({ query })) {
      const registration = readRegistration(info);
      if (registration !== null && !found.has(registration.hostId)) found.set(registration.hostId, registration);
    }
  });
  return [...found.values()].sort((a, b) => (a.hostId < b.hostId ? -1 : 1));
}

/** Null for a workflow that somebody has started without its memo. */
export function readRegistration({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): HostRegistration | null {
  return ((memo ?? {}) as { host?: HostRegistration }).host ?? null;
}

async function toView(service: Service, registration: HostRegistration): Promise<HostView> {
  const { key: _key, ...known } = registration;
  const workers = await workersOfHost(service, known.hostId);
  const seen = workers.map(({ seenAt }) => seenAt.getTime());
  const status: HostStatus = seen.length === 0 ? 'away' : known.draining ? 'draining' : 'serving';
  return { ...known, status, seenAt: seen.length === 0 ? null : Math.max(...seen) };
}

/** Whether a worker serves the host. */
export async function isServed(service: Service, hostId: string): Promise<boolean> {
  return (await workersOfHost(service, hostId)).length > 0;
}

export interface Hosts {
  /** In the order of their ids. */
  list(): Promise<HostView[]>;
  /** Rejects with `hostNotFound`. */
  show(hostId: string): Promise<HostView>;
  /** The host takes no new threads, or takes them again. Its threads go on. Idempotent. Rejects with `hostNotFound`. */
  drain(hostId: string, draining?: boolean): Promise<HostView>;
  /**
   * Moves its threads that work in clones and are at rest to other hosts. Needs a worker. @param threadIds those to ask;
   * all by default
   */
  leave(hostId: string, threadIds?: readonly string[]): Promise<Leaving>;
  /** Steps that its workers run, as of their newest heartbeats; null if the service keeps none. */
  steps(hostId: string): Promise<number | null>;
  /** Ends the registration. Rejects with `hostNotFound`, and with `hostServed` if a worker serves the host. */
  forget(hostId: string): Promise<void>;
}

export function openHosts(service: Service): Hosts {
  const checked = async <T>(action: string, body: () => Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (error) {
      throw toHostError(error, action);
    }
  };
  const handleOf = (hostId: string) =>
    service.client.workflow.getHandle(toHostWorkflowId(service.taskQueue, HostIdSchema.parse(hostId)));
  const show = (hostId: string) =>
    checked(`show host ${hostId}`, async () => {
      const found = await service.within(() => handleOf(hostId).describe());
      const registration = found.status.name === 'RUNNING' ? readRegistration(found) : null;
      if (registration === null) throw notRegistered(hostId);
      return toView(service, registration);
    });
  return {
    show,
    list: () => checked('list hosts', () => listHosts(service)),
    drain: (hostId, draining = true) =>
      checked(`drain host ${hostId}`, async () => {
        await service.within(() => handleOf(hostId).signal(drainHostSignal, draining));
        const view = await show(hostId);
        // The registration may not have handled it yet.
        return { ...view, draining, status: view.status === 'away' ? 'away' : draining ? 'draining' : 'serving' };
      }),
    leave: (hostId, threadIds) =>
      checked(`move threads away from host ${hostId}`, () => leaveHost(service, hostId, threadIds)),
    steps: (hostId) => checked(`look at host ${hostId}`, () => stepsOfHost(service, hostId)),
    forget: (hostId) =>
      checked(`forget host ${hostId}`, async () => {
        const { status } = await show(hostId);
        if (status !== 'away')
          throw new BobbinError('hostServed', `forget host ${hostId}: a worker serves it. Stop its workers first.`);
        await service.within(() => handleOf(hostId).signal(forgetHostSignal));
      }),
  };
}

function notRegistered(hostId: string, cause?: unknown): BobbinError {
  const message = `There is no host ${hostId} on this task queue. See: bobbin host list`;
  return new BobbinError('hostNotFound', message, cause);
}

function toHostError(error: unknown, action: string): BobbinError {
  if (error instanceof WorkflowNotFoundError) return notRegistered(action.split(' ').at(-1) ?? '', error);
  return toBobbinError(error, { threadId: '-', action });
}
