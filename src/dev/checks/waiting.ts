import type { Connection } from '@temporalio/client';
import { UNKNOWN_STATE_VERSION } from '../../../workflows/sandbox/carried-state.ts';
import { reasonOf } from '../temporal-service/run/service-error.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { ask, findTarget } from './temporal.ts';

/** Finds workflows whose tasks no worker can process. They are open, answer no query, and wait. */
export const waitingProbe: Probe = {
  name: 'waiting workflows',
  need: 'workers of a release that knows the state of every thread, ledger and batch',
  look: lookForWaiting,
};

/**
 * Number of the newest runs that are checked individually: the service marks a workflow only after several failed
 * tasks, about a minute.
 */
const MAX_DESCRIBED = 50;
const MAX_NAMED = 10;

interface Waiting {
  workflowId: string;
  /** Why its task failed; empty if unknown. */
  reason: string;
}

async function lookForWaiting(context: CheckContext): Promise<Finding> {
  const target = await findTarget(context);
  if (target === undefined) return { status: 'ok', found: 'no service is running' };
  try {
    const waiting = await ask(target, (connection) => findWaiting(connection, target.namespace));
    return waiting.length === 0 ? { status: 'ok', found: 'none' } : toFinding(waiting);
  } catch (error) {
    const found = `cannot be listed: ${reasonOf(error)}`;
    return { status: 'warning', found, howTo: 'Look for workflows with failing tasks in the Temporal UI.' };
  }
}

function toFinding(waiting: Waiting[]): Finding {
  const lines = waiting.slice(0, MAX_NAMED).map(({ workflowId, reason }) => `${workflowId} (${reason})`);
  const more = waiting.length > MAX_NAMED ? `, and ${waiting.length - MAX_NAMED} more` : '';
  const howTo = waiting.some(({ reason }) => reason.includes(UNKNOWN_STATE_VERSION))
    ? 'Run workers of the release that wrote these states. Nothing is lost; the workflows continue within ten minutes.'
    : 'See the log of the workers, and the newest failed task of each workflow in the Temporal UI.';
  return { status: 'missing', found: `${lines.join(', ')}${more}`, howTo };
}

async function findWaiting({ workflowService }: Connection, namespace: string): Promise<Waiting[]> {
  const list = async (query: string): Promise<string[]> => {
    const { executions } = await workflowService.listWorkflowExecutions({ namespace, query, pageSize: MAX_DESCRIBED });
    return executions.flatMap(({ execution }) => execution?.workflowId ?? []);
  };
  const isRetried = async (workflowId: string): Promise<boolean> => {
    const described = await workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
    return (described.pendingWorkflowTask?.attempt ?? 0) > 1;
  };
  const reasonFor = async (workflowId: string): Promise<string> => {
    const asked = { namespace, execution: { workflowId }, maximumPageSize: MAX_DESCRIBED };
    const { history } = await workflowService.getWorkflowExecutionHistoryReverse(asked);
    const failed = history?.events?.find((event) => event.workflowTaskFailedEventAttributes != null);
    return failed?.workflowTaskFailedEventAttributes?.failure?.message?.slice(0, 300) ?? '';
  };
  // Services before 1.30 do not have this attribute and refuse the query.
  const marked = await list('ExecutionStatus = "Running" AND TemporalReportedProblems IS NOT NULL').catch(
    (): string[] => [],
  );
  const newest = await list('ExecutionStatus = "Running"');
  const retried = await Promise.all(newest.map(async (id) => ((await isRetried(id)) ? [id] : [])));
  const ids = [...new Set([...marked, ...retried.flat()])];
  const waiting = await Promise.all(
    ids.map(async (workflowId) => ({ workflowId, reason: await reasonFor(workflowId) })),
  );
  // A task that timed out is retried, too, but has not failed.
  return waiting.filter(({ workflowId, reason }) => reason !== '' || marked.includes(workflowId));
}
