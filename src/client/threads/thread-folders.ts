/** Which folders threads need, for whoever removes folders. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { WORKFLOW_TYPE, toWorkflowId } from '../../contract/index.ts';
import { toBobbinError } from '../errors.ts';
import type { Service } from '../service.ts';
import { openHandle } from './thread-handle.ts';

export interface ThreadFolders {
  /** Names the service and its namespace, whatever its address. */
  serviceId: string;
  /**
   * The folders in which open threads work. A thread in a repository that is not fetched yet has none. Rejects if a thread
   * does not say where it works.
   */
  inUse(): Promise<string[]>;
  /** When it was closed, in milliseconds since the epoch; `open`, or `unknown` if the service does not keep it. */
  closedAt(threadId: string): Promise<number | 'open' | 'unknown'>;
}

export async function openThreadFolders(service: Service): Promise<ThreadFolders> {
  return {
    serviceId: await serviceIdOf(service),
    async inUse() {
      try {
        return await foldersInUse(service);
      } catch (error) {
        throw toBobbinError(error, { threadId: '-', action: 'find the folders of open threads' });
      }
    },
    async closedAt(threadId) {
      try {
        const handle = service.client.workflow.getHandle(toWorkflowId(threadId));
        const { status, closeTime } = await service.within(() => handle.describe());
        return status.name === 'RUNNING' ? 'open' : (closeTime?.getTime() ?? 'open');
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return 'unknown';
        throw toBobbinError(error, { threadId, action: 'find a thread' });
      }
    },
  };
}

async function foldersInUse(service: Service): Promise<string[]> {
  const query = `WorkflowType = "${WORKFLOW_TYPE}" AND ExecutionStatus = "Running"`;
  const folders: string[] = [];
  const silent: string[] = [];
  await service.within(async () => {
    for await (const { workflowId, memo } of service.client.workflow.list({ query })) {
      if (typeof memo?.['cwd'] === 'string') folders.push(memo['cwd']);
      else if (memo?.['title'] === undefined) silent.push(workflowId.slice(toWorkflowId('').length));
    }
  }, LISTING_MS);
  // Raw clients start threads without a memo.
  for (const threadId of silent) folders.push((await openHandle(service, threadId).view()).settings.cwd);
  return folders;
}

/** Thousands of threads are many pages. */
const LISTING_MS = 120_000;

/** A data folder may be used with several services. */
export async function serviceIdOf(service: Service): Promise<string> {
  const asked = service.within(() => service.connection.workflowService.getClusterInfo({}));
  // Not every caller may ask.
  const { clusterId } = await asked.catch(() => ({ clusterId: '' }));
  return `${clusterId}/${service.namespace}`;
}
