/**
 * Ends with 0 where the worker of this container has asked the Temporal service for work within the last two minutes, as
 * the service tells it, and with 1 otherwise. A worker names itself `<pid>@<host>`.
 */
import { hostname } from 'node:os';
import process from 'node:process';
import { Connection } from '@temporalio/client';

const FRESH_MS = 120_000;
const DEADLINE_MS = 8_000;

const namespace = process.env.TEMPORAL_NAMESPACE || 'default';
const name = process.env.BOBBIN_TASK_QUEUE || 'bobbin';
const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS, connectTimeout: DEADLINE_MS });
const { pollers } = await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
  connection.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType: 1 }),
);
await connection.close();

const isOurs = (poller) =>
  poller.identity?.includes(`@${hostname()}`) === true &&
  Date.now() - Number(poller.lastAccessTime?.seconds ?? 0) * 1000 < FRESH_MS;
if (!(pollers ?? []).some(isOurs)) {
  process.stderr.write(`No worker of ${hostname()} polls the task queue ${name}.\n`);
  process.exitCode = 1;
}
