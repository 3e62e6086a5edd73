/** The workers that serve the client's task queue. */
import type { Service } from './service.ts';

export interface WorkerSummary {
  /** `<process id>@<host>` by default. */
  identity: string;
  /** When it last asked the service for work. */
  seenAt: Date;
}

/** A worker asks for work at least once a minute; the service remembers one that has gone for five. */
const ASKS_WITHIN_MS = 65_000;

export async function workersOf(service: Service): Promise<WorkerSummary[]> {
  const { namespace, taskQueue } = service;
  // Without a type, the answer is about workflow tasks.
  const { pollers } = await service.within(() =>
    service.connection.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: taskQueue },
    }),
  );
  return pollers
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      seenAt: new Date(Number(lastAccessTime?.seconds ?? 0) * 1_000),
    }))
    .filter(({ seenAt }) => Date.now() - seenAt.getTime() < ASKS_WITHIN_MS);
}
