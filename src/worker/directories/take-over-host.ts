/**
 * Decides whether this machine may serve a host: a new one, or its own after a restart or a move of the data folder.
 *
 * A machine takes a registration over by ending its run, which it names, and starting the next one: the service lets exactly
 * one of several machines do so, and needs no worker for that. It serves the host a moment later; until then the others wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type WorkflowExecutionDescription, WorkflowNotFoundError } from '@temporalio/client';
import { claimHostSignal } from '../../../workflows/host/messages.ts';
import { isServed, readRegistration } from '../../client/hosts/hosts.ts';
import type { Service } from '../../client/service.ts';
import type { HostRegistration } from '../../contract/index.ts';
import { toHostWorkflowId } from '../../contract/plain/hosts.ts';

/** The service lists a worker for 65 seconds after it was last heard of. */
const FORMER_WORKER_MS = 75_000;
/** How long a machine may take until it serves what it has claimed. The others wait for longer, so they see whether it does. */
const CLAIM_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

export interface TakeOver {
  /** Gets the reason for a wait. */
  say: (line: string) => void;
  /** How long the machine that has the registration is waited for. */
  waitMs?: number;
  /** How long after its claim a machine that does not serve the host keeps it. */
  claimMs?: number;
}

interface Taker extends TakeOver {
  /** Starts a run of the registration; false if there is one. */
  register: (registration: HostRegistration) => Promise<boolean>;
}

/** What one machine has claimed. It serves the host, or will do so. */
interface Run {
  runId: string;
  claimedAt: number;
  known: HostRegistration;
}

/**
 * Idempotent. Rejects with an error that names both machines. A machine of the same name with another boot id may have been
 * restarted, while its former worker is still listed, or be a copy: it waits, and is refused if a worker still serves the host.
 */
export async function takeOver(service: Service, own: HostRegistration, taker: Taker): Promise<void> {
  const { register, claimMs = CLAIM_MS } = taker;
  const wait = waitFor(own, taker);
  const served = new Set<string>();
  for (;;) {
    // Read each time: another machine, or another worker of this one, may be faster.
    const run = await readRun(service, own);
    if ('next' in run) {
      if (await register(run.next)) return;
    } else if (isSameMachine(run.known, own)) {
      if (run.known.group === own.group || (await regroup(service, own, run))) return;
    } else if (await isServed(service, own.hostId)) {
      served.add(run.runId);
      await wait('serves', run.known);
    } else if (served.has(run.runId) || Date.now() - run.claimedAt >= claimMs) {
      await end(service, own, run);
      if (await register(keeping(run, own))) return;
    } else await wait('claimed', run.known);
  }
}

/** `next` is what may be registered if nothing is: the host is new or forgotten, or another machine is about to take it over. */
async function readRun(service: Service, own: HostRegistration): Promise<Run | { next: HostRegistration }> {
  const found = await describeRun(service, own);
  if (found === null) return { next: own };
  const known = readRegistration(found);
  if (found.status.name !== 'RUNNING') {
    const isTaken = found.status.name === 'TERMINATED' && known?.key === own.key;
    return { next: isTaken ? keeping({ known }, own) : own };
  }
  if (known === null || known.key !== own.key) throw twoHosts(own, known, 'has another data folder');
  return { runId: found.runId, claimedAt: found.startTime.getTime(), known };
}

async function describeRun(service: Service, own: HostRegistration): Promise<WorkflowExecutionDescription | null> {
  try {
    return await service.within(() => handleOf(service, own).describe());
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}

function handleOf({ client, taskQueue }: Service, { hostId }: HostRegistration, runId?: string) {
  return client.workflow.getHandle(toHostWorkflowId(taskQueue, hostId), runId);
}

function keeping({ known: { draining, since } }: Pick<Run, 'known'>, own: HostRegistration): HostRegistration {
  return { ...own, draining, since };
}

function regroup(service: Service, own: HostRegistration, run: Run): Promise<boolean> {
  return ifThere(service, () => handleOf(service, own, run.runId).signal(claimHostSignal, keeping(run, own)));
}

async function end(service: Service, own: HostRegistration, { runId }: Run): Promise<void> {
  const reason = `Machine ${own.machine.name} takes host ${own.hostId} over.`;
  await ifThere(service, () => handleOf(service, own, runId).terminate(reason));
}

/** False if that run has ended. */
async function ifThere(service: Service, body: () => Promise<unknown>): Promise<boolean> {
  try {
    await service.within(body);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

type Obstacle = 'serves' | 'claimed';

const WHY: Record<Obstacle, string> = {
  serves: 'has a worker that serves it',
  claimed: 'has claimed it a moment ago',
};

/** Says each reason once. Rejects when the time is over, and at once if the other one is certain to be another machine. */
function waitFor(own: HostRegistration, { say, waitMs = FORMER_WORKER_MS }: TakeOver) {
  const until = Date.now() + waitMs;
  const said = new Set<string>();
  return async (obstacle: Obstacle, known: HostRegistration): Promise<void> => {
    const isOther = obstacle === 'serves' && known.machine.name !== own.machine.name;
    if (isOther || Date.now() >= until) throw twoHosts(own, known, WHY[obstacle]);
    const reason = toReason(obstacle, known, own);
    if (!said.has(reason)) say(reason);
    said.add(reason);
    await delay(Math.min(LOOK_EVERY_MS, until - Date.now()));
  };
}

/** Containers of one machine have its boot id. Without one, the name has to do. */
function isSameMachine(known: HostRegistration, { machine: { name, bootId } }: HostRegistration): boolean {
  if (known.machine.bootId === '' || bootId === '') return known.machine.name === name;
  return known.machine.bootId === bootId;
}

function toReason(
  obstacle: Obstacle,
  { hostId, machine: former }: HostRegistration,
  { machine }: HostRegistration,
): string {
  const [there, here] = [describe(former, machine), describe(machine, former)];
  if (obstacle === 'claimed')
    return `Host ${hostId} was claimed a moment ago by ${there}, which does not serve it yet. Waiting to see whether it does.`;
  return `Host ${hostId} is still served by a worker of ${there}. This is ${here}: either the machine was restarted, or one of the two is a copy. Waiting until no worker serves the host.`;
}

function twoHosts({ hostId, machine }: HostRegistration, known: HostRegistration | null, why: string): Error {
  const other = known === null ? 'somebody' : describe(known.machine, machine);
  const here = known === null ? describe(machine) : describe(machine, known.machine);
  return new Error(
    `Host ${hostId} is registered by ${other}, which ${why}, so ${here} cannot be it. Set BOBBIN_HOST to another id here. If the other one is gone for good, run: bobbin host forget ${hostId}`,
  );
}

const BOOT_DIGITS = 8;

/** With the beginning of its boot id if the names do not tell the two apart. */
function describe({ name, bootId }: HostRegistration['machine'], other?: HostRegistration['machine']): string {
  return `machine ${name}${other?.name === name ? ` (boot ${bootId.slice(0, BOOT_DIGITS) || 'unknown'})` : ''}`;
}
