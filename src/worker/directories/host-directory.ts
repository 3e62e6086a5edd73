/** Registers the host of this worker, and knows the others. */
import { createHash } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError, WorkflowIdConflictPolicy } from '@temporalio/client';
import type { HostPort, KnownHost } from '../../../activities/ports.ts';
import { claimHostSignal } from '../../../workflows/host/messages.ts';
import type { host as hostWorkflow } from '../../../workflows/host/workflow.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { HOST_WORKFLOW_TYPE, isServed, listRegistrations, readRegistration } from '../../client/hosts/hosts.ts';
import type { Service } from '../../client/service.ts';
import type { HostRegistration } from '../../contract/index.ts';
import { toHostWorkflowId } from '../../contract/plain/hosts.ts';
import type { HostFile, MachineMark } from '../../folders/host-file.ts';

export interface OwnHost extends HostFile {
  machine: MachineMark;
}

/** How long an answer about the other hosts is used. */
const FRESH_MS = 5_000;

export function createHostDirectory(service: Service, id: string): HostPort {
  let known: { at: number; hosts: Promise<KnownHost[]> } | null = null;
  return {
    id,
    list({ fresh }) {
      if (known === null || fresh || Date.now() - known.at > FRESH_MS)
        known = { at: Date.now(), hosts: read(service, id) };
      return known.hosts;
    },
    isServed: (host) => isServed(service, host),
  };
}

async function read(service: Service, id: string): Promise<KnownHost[]> {
  const registered = await listRegistrations(service);
  const others = registered.filter(({ hostId }) => hostId !== id);
  const isDraining = registered.some(({ hostId, draining }) => hostId === id && draining);
  // A registration is listed a moment after it was made.
  const own: KnownHost = { id, status: isDraining ? 'draining' : 'serving' };
  const all = await Promise.all(others.map((one) => toKnown(service, one)));
  return [own, ...all].sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function toKnown(service: Service, { hostId, draining }: HostRegistration): Promise<KnownHost> {
  if (!(await isServed(service, hostId))) return { id: hostId, status: 'away' };
  return { id: hostId, status: draining ? 'draining' : 'serving' };
}

/**
 * Registers the host. Idempotent. Rejects with an error that names both machines if another data folder has the id, or if a
 * worker on another machine serves the host.
 */
export async function claimHost(service: Service, own: OwnHost): Promise<void> {
  const { hostId, machine } = own;
  const registration = { hostId, key: toKey(own), machine, draining: false, since: Date.now() };
  try {
    await start(service, registration);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await takeOver(service, registration);
  }
}

/** The key stays in its folder. */
function toKey({ key }: HostFile): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 32);
}

function start(service: Service, registration: HostRegistration): Promise<unknown> {
  const { hostId, machine } = registration;
  return service.within(() =>
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
}

async function takeOver(service: Service, own: HostRegistration): Promise<void> {
  const handle = service.client.workflow.getHandle(toHostWorkflowId(service.taskQueue, own.hostId));
  const known = readRegistration(await service.within(() => handle.describe()));
  if (known === null || known.key !== own.key) throw twoHosts(own, known, 'has another data folder');
  if (isSameMachine(known, own)) return;
  if (await isServed(service, own.hostId)) throw twoHosts(own, known, 'has a worker that serves it');
  await service.within(() => handle.signal(claimHostSignal, { ...known, machine: own.machine }));
}

/** After a restart a machine has its old name, and a new container has the boot id of its machine. */
function isSameMachine(known: HostRegistration, { machine }: HostRegistration): boolean {
  return known.machine.name === machine.name || (machine.bootId !== '' && known.machine.bootId === machine.bootId);
}

function twoHosts({ hostId, machine }: HostRegistration, known: HostRegistration | null, why: string): Error {
  const other = known === null ? 'somebody' : `machine ${known.machine.name}`;
  return new Error(
    `Host ${hostId} is registered by ${other}, which ${why}, so machine ${machine.name} cannot be it. Set BOBBIN_HOST to another id here. If the other one is gone for good, run: bobbin host forget ${hostId}`,
  );
}
