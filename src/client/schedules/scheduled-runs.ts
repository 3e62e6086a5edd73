/** The runs of a schedule and their results. */
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { BatchResult, FiringOutcome, ScheduleFiring, ScheduleRun } from '../../contract/index.ts';
import type { Service } from '../service.ts';
import { toBatchWorkflowId } from './temporal-schedule.ts';

export function readRuns(service: Service, firings: ScheduleFiring[]): Promise<ScheduleRun[]> {
  return Promise.all(
    firings.map(async (firing) => ({ ...firing, outcome: await readOutcome(service, firing.batchId) })),
  );
}

async function readOutcome(service: Service, batchId: string): Promise<FiringOutcome> {
  const handle = service.client.workflow.getHandle(toBatchWorkflowId(batchId));
  try {
    const { status } = await handle.describe();
    switch (status.name) {
      case 'COMPLETED':
        return { status: 'completed', result: toBatchResult(await handle.result()) };
      case 'FAILED':
        return { status: 'failed', message: await handle.result().then(() => '', reasonOf) };
      case 'CANCELLED':
        return { status: 'cancelled' };
      case 'TERMINATED':
        return { status: 'terminated' };
      case 'TIMED_OUT':
        return { status: 'timedOut' };
      case 'RUNNING':
      case 'PAUSED':
      case 'CONTINUED_AS_NEW':
      case 'UNSPECIFIED':
      case 'UNKNOWN':
        return { status: 'running' };
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { status: 'forgotten' };
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof WorkflowFailedError) return error.cause?.message ?? error.message;
  throw error;
}

/** Null for a result that another version wrote. */
function toBatchResult(value: unknown): BatchResult | null {
  return typeof value === 'object' && value !== null && 'counts' in value && 'findings' in value
    ? (value as BatchResult)
    : null;
}

/** The service starts a run some milliseconds after the request. */
const FIRING_WAIT_MS = 10_000;
const FIRING_LOOK_MS = 100;

/** The run; null if it does not start in time. */
export async function awaitFiring(look: () => Promise<ScheduleFiring | null>): Promise<ScheduleFiring | null> {
  const until = Date.now() + FIRING_WAIT_MS;
  for (;;) {
    const found = await look();
    if (found !== null || Date.now() > until) return found;
    await delay(FIRING_LOOK_MS);
  }
}
