/** What one run of a workflow leaves to the next one. */
import { workflowInfo } from '@temporalio/workflow';

/**
 * Whether an earlier run wrote this run's argument. Only then is a carried state believed: a client can send anything as a
 * start argument.
 */
export function isContinued(): boolean {
  return workflowInfo().continuedFromExecutionRunId !== undefined;
}

/**
 * The state was left by a release that this one does not know. It is no failure of Temporal's, so it fails the workflow
 * task and not the workflow: the task is tried again until a worker takes it that knows the version, and nothing is lost.
 */
export class UnknownStateVersion extends Error {
  constructor(of: string, found: unknown, known: number) {
    super(
      `${UNKNOWN_STATE_VERSION}: the state of this ${of} has version ${String(found)}, and this worker knows ` +
        `version ${known}. It waits for a worker of the release that wrote it; nothing is lost.`,
    );
  }
}

/** Its message begins so; `bobbin doctor` looks for it. */
export const UNKNOWN_STATE_VERSION = 'stateVersionUnknown';
