/** The hosts of a task queue, as they have registered themselves. */
import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { HostRegistration, HostStatus, HostView } from '../../contract/index.ts';
import type { Service } from '../service.ts';
import { workersOfHost } from '../workers.ts';

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
