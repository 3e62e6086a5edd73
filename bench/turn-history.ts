/** When the steps of each turn were recorded, from the history of a thread that ran one turn after the other. */
import type { Service } from '../src/client/service.ts';

/** Milliseconds since the epoch, by the service's clock. */
export interface TurnTimes {
  signaled: number;
  firstTaskStarted: number;
  firstTaskCompleted: number;
  activityStarted: number;
  activityCompleted: number;
  lastTaskStarted: number;
  lastTaskCompleted: number;
}

interface Timestamp {
  seconds?: unknown;
  nanos?: number | null;
}

/** Turns of the current run, oldest first. Throws where one has another shape than one signal and one activity. */
export async function readTurnTimes(service: Service, workflowId: string): Promise<TurnTimes[]> {
  const { events } = await service.within(() => service.client.workflow.getHandle(workflowId).fetchHistory());
  const turns: Partial<TurnTimes>[] = [];
  for (const event of events ?? []) {
    const at = toMs(event.eventTime);
    if (event.workflowExecutionSignaledEventAttributes) turns.push({ signaled: at });
    const turn = turns.at(-1);
    if (turn === undefined) continue;
    if (event.activityTaskStartedEventAttributes) turn.activityStarted = at;
    if (event.activityTaskCompletedEventAttributes) turn.activityCompleted = at;
    const isLast = turn.activityCompleted !== undefined;
    if (event.workflowTaskStartedEventAttributes) turn[isLast ? 'lastTaskStarted' : 'firstTaskStarted'] = at;
    if (event.workflowTaskCompletedEventAttributes) turn[isLast ? 'lastTaskCompleted' : 'firstTaskCompleted'] = at;
  }
  return turns.map((turn) => {
    if (Object.keys(turn).length === KEYS) return turn as TurnTimes;
    throw new Error(`A turn of ${workflowId} has another history than expected: ${JSON.stringify(turn)}`);
  });
}

const KEYS = 7;

function toMs(time: Timestamp | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
}
