/** How long threads live, to remove what they no longer need. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { toWorkflowId } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { type Service, withDeadline } from '../service.ts';
import { readHistories } from './read-histories.ts';
import { openHandle } from './thread-handle.ts';

/** Times in milliseconds since the epoch. */
export interface ThreadLifetimes {
  /** When the thread and its root were closed; `open` if one of them is, `unknown` if the service does not keep the thread. */
  endedAt(threadId: string): Promise<number | 'open' | 'unknown'>;
  /** When a closed thread was created; null if it does not say so. Needs a worker. */
  createdAt(threadId: string): Promise<number | null>;
  /** Whether the service keeps this run of the thread. */
  hasRun(threadId: string, runId: string): Promise<boolean>;
  /**
   * Calls `note` with everything that threads of the namespace, open or closed, were ever told in the runs that they go
   * on from, as text: with what they archived, all that they know. Needs no worker. Rejects when the signal fires.
   */
  readAll(note: (text: string) => void, signal: AbortSignal): Promise<void>;
}

/** A closed run has to be replayed. */
const REPLAY_MS = 30_000;

export function threadLifetimes(service: Service): ThreadLifetimes {
  const find = async (workflowId: string, runId?: string) => {
    try {
      const handle = service.client.workflow.getHandle(workflowId, runId);
      return await service.within(() => handle.describe());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw toBobbinError(error, { threadId: workflowId, action: 'find a thread' });
    }
  };
  return {
    async endedAt(threadId) {
      const workflowId = toWorkflowId(threadId);
      const found = await find(workflowId);
      if (found === null) return 'unknown';
      const root = found.rootExecution?.workflowId;
      const isBelow = root != null && root !== workflowId && root.startsWith(toWorkflowId(''));
      const above = isBelow ? await find(root) : null;
      const ends = [found, ...(above === null ? [] : [above])].map(({ status, closeTime }) =>
        status.name === 'RUNNING' ? undefined : closeTime?.getTime(),
      );
      return ends.reduce<number | 'open'>(
        (latest, end) => (latest === 'open' || end === undefined ? 'open' : Math.max(latest, end)),
        0,
      );
    },
    async createdAt(threadId) {
      try {
        const { createdAt } = await openHandle(withDeadline(service, REPLAY_MS), threadId).view({ wait: false });
        return createdAt;
      } catch (error) {
        // One thread that does not answer must not keep the others from being looked at.
        if (error instanceof BobbinError && error.code !== 'serviceUnavailable') return null;
        throw error;
      }
    },
    hasRun: async (threadId, runId) => (await find(toWorkflowId(threadId), runId)) !== null,
    async readAll(note, signal) {
      try {
        await readHistories(service, note, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw toBobbinError(error, { threadId: '-', action: 'read the threads' });
      }
    },
  };
}
