/** The workers that serve the client's task queue. */
import { toHostQueue } from '../contract/plain/hosts.ts';
import type { Service } from './service.ts';

export interface WorkerSummary {
  /** `<process id>@<host>` by default. */
  identity: string;
  /** When it last asked the service for work, or sent a heartbeat. */
  seenAt: Date;
}

/** The newest heartbeat of a worker. Times are milliseconds, by its own clock. */
export interface WorkerHeartbeat {
  identity: string;
  at: number;
  /** Since the heartbeat before; null for the first. */
  everyMs: number | null;
  isStopping: boolean;
}

/** A worker asks for work at least once a minute; the service remembers one that has gone for five. */
const ASKS_WITHIN_MS = 65_000;
/** Of heartbeats in a row, before a worker counts as gone. */
const MISSED = 3;

/** `TASK_QUEUE_TYPE_WORKFLOW` and `TASK_QUEUE_TYPE_ACTIVITY` */
const TYPES = { workflow: 1, activity: 2 } as const;

export function workersOf(service: Service): Promise<WorkerSummary[]> {
  return workersOfQueue(service, service.taskQueue, 'workflow');
}

/** Those that run the steps of one host. */
export function workersOfHost(service: Service, host: string): Promise<WorkerSummary[]> {
  return workersOfQueue(service, toHostQueue(service.taskQueue, host), 'activity');
}

async function workersOfQueue(service: Service, queue: string, type: keyof typeof TYPES): Promise<WorkerSummary[]> {
  const { namespace } = service;
  const asked = service.within(() =>
    service.connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- the client has no names for its values
      taskQueueType: TYPES[type],
    }),
  );
  const [{ pollers }, heartbeats] = await Promise.all([asked, heartbeatsOf(service, queue)]);
  const polled = pollers.map(({ identity, lastAccessTime }) => ({
    identity: identity ?? '',
    seenAt: new Date(Number(lastAccessTime?.seconds ?? 0) * 1_000),
  }));
  return toServing(polled, heartbeats, Date.now());
}

/** Heartbeats find a worker that was killed within seconds; without them it counts until its last request is a minute old. */
export function toServing(
  polled: readonly WorkerSummary[],
  heartbeats: readonly WorkerHeartbeat[],
  now: number,
): WorkerSummary[] {
  return polled.flatMap(({ identity, seenAt }) => {
    const [newest] = heartbeats.filter((one) => one.identity === identity).sort((a, b) => b.at - a.at);
    if (now - seenAt.getTime() > ASKS_WITHIN_MS || (newest !== undefined && hasEnded(newest, now))) return [];
    return [{ identity, seenAt: new Date(Math.max(seenAt.getTime(), newest?.at ?? 0)) }];
  });
}

function hasEnded({ at, everyMs, isStopping }: WorkerHeartbeat, now: number): boolean {
  return isStopping || (everyMs !== null && now - at > MISSED * everyMs);
}

/** Steps that run on a host, as of the newest heartbeats of its workers; null if the service keeps none. */
export async function stepsOfHost(service: Service, host: string): Promise<number | null> {
  const { connection, namespace } = service;
  const query = `TaskQueue = "${toHostQueue(service.taskQueue, host)}"`;
  const listed = () => connection.workflowService.listWorkers({ namespace, query });
  const { workersInfo } = await service.within(listed).catch(() => ({ workersInfo: [] }));
  const used = workersInfo.map(({ workerHeartbeat }) => workerHeartbeat?.activityTaskSlotsInfo?.currentUsedSlots ?? 0);
  return workersInfo.length === 0 ? null : used.reduce((sum, one) => sum + one, 0);
}

/** `WORKER_STATUS_RUNNING` */
const RUNNING = 1;

/** None if the service has none: they are a setting of it (`docs/operators.md`). */
async function heartbeatsOf(service: Service, taskQueue: string): Promise<WorkerHeartbeat[]> {
  const { connection, namespace } = service;
  const query = `TaskQueue = "${taskQueue}"`;
  const list = () => connection.workflowService.listWorkers({ namespace, query });
  const answer = await service.within(list).catch(() => null);
  return (answer?.workersInfo ?? []).flatMap(({ workerHeartbeat: beat }) => {
    if (!beat) return [];
    const { workerIdentity, heartbeatTime, elapsedSinceLastHeartbeat: elapsed, status } = beat;
    const everyMs = elapsed ? toMs(elapsed) : 0;
    const at = heartbeatTime ? toMs(heartbeatTime) : 0;
    const identity = workerIdentity ?? '';
    return [{ identity, at, everyMs: everyMs > 0 ? everyMs : null, isStopping: Number(status) !== RUNNING }];
  });
}

function toMs({ seconds, nanos }: { seconds?: unknown; nanos?: number | null }): number {
  return Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1_000_000;
}
