/** The carry-over from one run of a workflow to the next. */
import { workflowInfo } from '@temporalio/workflow';

/**
 * Whether an earlier run wrote this run's argument. Only then is a carried state trusted: a client can send anything as
 * a start argument. The runs of a cron schedule, and retries, also follow an earlier run, but have the client's argument.
 */
export function isContinued(): boolean {
  const { continuedFromExecutionRunId, cronSchedule, attempt } = workflowInfo();
  const isRepeated = attempt > 1 || (cronSchedule !== undefined && cronSchedule !== '');
  return continuedFromExecutionRunId !== undefined && !isRepeated;
}

/**
 * The state was written by a release that this one does not know. This is not a Temporal failure, so it fails the
 * workflow task and not the workflow: the task is retried until a worker that knows the version takes it, and nothing
 * is lost.
 */
export class UnknownStateVersion extends Error {
  constructor(of: string, found: unknown, known: number) {
    super(
      `${UNKNOWN_STATE_VERSION}: the state of this ${of} has version ${String(found)}, and this worker knows ` +
        `version ${known}. It waits for a worker of the release that wrote it; nothing is lost.`,
    );
  }
}

/** The message begins with this code; `bobbin doctor` looks for it. */
export const UNKNOWN_STATE_VERSION = 'stateVersionUnknown';
