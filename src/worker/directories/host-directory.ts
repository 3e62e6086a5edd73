/** Registers the host of this worker, and knows the others. */
import { createHash } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, WorkflowIdConflictPolicy } from '@temporalio/client';
import type { HostPort, KnownHost } from '../../../activities/ports.ts';
import type { host as hostWorkflow } from '../../../workflows/host/workflow.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { HOST_WORKFLOW_TYPE, isServed, listRegistrations } from '../../client/hosts/hosts.ts';
import type { Service } from '../../client/service.ts';
import type { HostRegistration } from '../../contract/index.ts';
import { toHostWorkflowId } from '../../contract/plain/hosts.ts';
import type { HostFile, MachineMark } from '../../folders/host-file.ts';
import { type TakeOver, takeOver } from './take-over-host.ts';

export interface OwnHost extends HostFile {
  machine: MachineMark;
  group?: string;
}

/** How long an answer about the other hosts is used. */
const FRESH_MS = 5_000;

export function createHostDirectory(
  service: Service,
  { hostId: id, group }: Pick<OwnHost, 'hostId' | 'group'>,
): HostPort {
  let known: { at: number; hosts: Promise<KnownHost[]> } | null = null;
  return {
    id,
    ...(group !== undefined && { group }),
    list({ fresh }) {
      if (known === null || fresh || Date.now() - known.at > FRESH_MS)
        known = { at: Date.now(), hosts: read(service, { id, group }) };
      return known.hosts;
    },
    isServed: (host) => isServed(service, host),
  };
}

async function read(service: Service, { id, group }: { id: string; group: string | undefined }): Promise<KnownHost[]> {
  const registered = await listRegistrations(service);
  const others = registered.filter(({ hostId }) => hostId !== id);
  const isDraining = registered.some(({ hostId, draining }) => hostId === id && draining);
  // A registration is listed a moment after it was made.
  const own = toHost({ hostId: id, ...(group !== undefined && { group }) }, isDraining ? 'draining' : 'serving');
  const all = await Promise.all(others.map((one) => toKnown(service, one)));
  return [own, ...all].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function toKnown(service: Service, registration: HostRegistration): Promise<KnownHost> {
  if (!(await isServed(service, registration.hostId))) return toHost(registration, 'away');
  return toHost(registration, registration.draining ? 'draining' : 'serving');
}

function toHost(
  { hostId: id, group }: Pick<HostRegistration, 'hostId' | 'group'>,
  status: KnownHost['status'],
): KnownHost {
  return { id, ...(group !== undefined && { group }), status };
}

/**
 * Registers the host. Idempotent. Of several machines exactly one gets it. Rejects with an error that names both machines if another
 * data folder has the id, or if a worker on another machine serves the host, after a wait if that may be this machine before its
 * restart, or has claimed the host a moment ago.
 */
export async function claimHost(service: Service, own: OwnHost, how: TakeOver): Promise<void> {
  const { hostId, machine, group } = own;
  const grouped = group === undefined ? {} : { group };
  const registration = { hostId, ...grouped, key: toKey(own), machine, draining: false, since: Date.now() };
  await takeOver(service, registration, { ...how, register: (next) => start(service, next) });
}

/** The key stays in its folder. */
function toKey({ key }: HostFile): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}

/** False if there is a registration of that id: of several callers exactly one makes it. */
async function start(service: Service, registration: HostRegistration): Promise<boolean> {
  const { hostId, machine } = registration;
  const started = service.within(() =>
    service.client.workflow.start<typeof hostWorkflow>(HOST_WORKFLOW_TYPE, {
      workflowId: toHostWorkflowId(service.taskQueue, hostId),
      taskQueue: service.taskQueue,
      args: [registration],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: `host ${hostId} on ${machine.name}`,
      memo: { host: registration },
    }),
  );
  try {
    await started;
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}
