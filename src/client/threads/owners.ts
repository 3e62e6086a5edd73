/**
 * Owners of threads, for servers with several users. The owner is in the memo of the workflow, which needs no registration
 * and stays for the thread's whole life. A sub-thread belongs to the owner of its root.
 */
import { type WorkflowExecutionInfo, WorkflowNotFoundError } from '@temporalio/client';
import { WORKFLOW_TYPE, toWorkflowId } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import type { Service } from '../service.ts';

type Execution = Pick<WorkflowExecutionInfo, 'workflowId' | 'memo' | 'rootExecution' | 'type' | 'status'>;

/** The owner of a thread that was started without one is null. */
export function readOwner({ memo }: Pick<Execution, 'memo'>): string | null {
  const owner = memo?.['owner'];
  return typeof owner === 'string' ? owner : null;
}

export interface ThreadDescription {
  /** Temporal's status of the workflow: RUNNING, COMPLETED, TERMINATED, ... */
  status: string;
  /** Null if it was started without one. */
  owner: string | null;
}

/** Rejects with `threadNotFound`. Needs no worker. */
export async function describeThread(service: Service, threadId: string): Promise<ThreadDescription> {
  const about = { threadId, action: 'find a thread' };
  try {
    const found = await describe(service, toWorkflowId(threadId));
    if (found.type === WORKFLOW_TYPE)
      return { status: found.status.name, owner: await createOwnerReader(service)(found) };
  } catch (error) {
    throw toBobbinError(error, about);
  }
  throw new BobbinError('threadNotFound', `${about.action}: ${threadId} is not a thread.`);
}

/** Reads each root once. */
export function createOwnerReader(service: Service): (thread: Execution) => Promise<string | null> {
  const roots = new Map<string, Promise<string | null>>();
  return (thread) => {
    const own = readOwner(thread);
    const root = thread.rootExecution?.workflowId;
    if (own !== null || root == null || root === thread.workflowId) return Promise.resolve(own);
    const known = roots.get(root) ?? ownerOfRoot(service, root);
    roots.set(root, known);
    return known;
  };
}

/** Null if Temporal no longer keeps the root. */
async function ownerOfRoot(service: Service, workflowId: string): Promise<string | null> {
  try {
    return readOwner(await describe(service, workflowId));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || grpcStatus(error) === GRPC.NOT_FOUND) return null;
    throw error;
  }
}

function describe(service: Service, workflowId: string): Promise<Execution> {
  return service.within(() => service.client.workflow.getHandle(workflowId).describe());
}
