/** The names of hosts, and of what belongs to them. */

/** Lower case, since file systems and DNS names may ignore case. */
export const HOST_ID = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/;
export const HOST_ID_CHARACTERS =
  'a host id has at most 63 lower-case letters, digits and . _ - and begins and ends with a letter or digit';

/** The task queue of the steps that only the workers of one host can run. */
export function toHostQueue(taskQueue: string, host: string): string {
  return `${taskQueue}@${host}`;
}

export const HOST_PREFIX = 'host/';

/** The id of the workflow that registers a host. A task queue has its own hosts. */
export function toHostWorkflowId(taskQueue: string, host: string): string {
  return `${HOST_PREFIX}${toHostQueue(taskQueue, host)}`;
}
