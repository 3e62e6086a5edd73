/** The schedule by which workers clean the store that hosts share: one for each task queue. */
import { ScheduleAlreadyRunning, type ScheduleDescription, WorkflowNotFoundError } from '@temporalio/client';
import {
  CleanStoreSchema,
  type CleanedStore,
  type CleaningRun,
  type CleaningSchedule,
  CleaningScheduleSchema,
  type CleaningScheduleView,
  type LooseCleaningSchedule,
  SCHEDULE_DEFAULTS,
} from '../../contract/index.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toScheduleError } from '../schedules/schedule-errors.ts';
import { toTemporalTimes, toTimeZone, toTimes } from '../schedules/temporal-schedule.ts';
import type { Service } from '../service.ts';

const WORKFLOW = 'cleanStore';

/** Every call rejects with `scheduleForeign` if the schedule starts something else; the last three with `scheduleNotFound`. */
export interface StoreCleaningSchedule {
  /** Creates it, or replaces the one that is there. */
  set(schedule: LooseCleaningSchedule): Promise<CleaningScheduleView>;
  describe(): Promise<CleaningScheduleView>;
  /** Starts a run now, after the one that runs, if there is one. Does not wait for it. */
  trigger(): Promise<void>;
  /** A run that has begun continues. */
  delete(): Promise<void>;
}

export function storeCleaningSchedule(service: Service): StoreCleaningSchedule {
  const scheduleId = `clean-store/${service.taskQueue}`;
  const handle = service.client.schedule.getHandle(scheduleId);
  const ask = async <T>(action: string, body: (own: ScheduleDescription) => Promise<T>): Promise<T> => {
    try {
      return await service.within(async () => {
        const own = await handle.describe();
        const { workflowType } = own.action;
        if (workflowType === WORKFLOW) return body(own);
        throw new BobbinError('scheduleForeign', `Schedule ${scheduleId} starts ${workflowType}, not ${WORKFLOW}.`);
      });
    } catch (error) {
      throw toScheduleError(error, `${action} schedule ${scheduleId}`);
    }
  };
  const describe = () => ask('read', (own) => toView(service, own));
  return {
    async set(given) {
      try {
        const parts = toParts(scheduleId, service.taskQueue, CleaningScheduleSchema.parse(given));
        try {
          await service.within(() => service.client.schedule.create({ scheduleId, ...parts }));
        } catch (error) {
          if (!(error instanceof ScheduleAlreadyRunning)) throw error;
          await ask('update', () => handle.update((previous) => ({ ...parts, state: previous.state })));
        }
      } catch (error) {
        throw toScheduleError(error, `set schedule ${scheduleId}`);
      }
      return describe();
    },
    describe,
    trigger: () => ask('trigger', () => handle.trigger('BUFFER_ONE')),
    delete: () => ask('delete', () => handle.delete()),
  };
}

function toParts(scheduleId: string, taskQueue: string, { cron, timezone, cleaning }: CleaningSchedule) {
  return {
    spec: toTemporalTimes({ times: { cron, intervals: [], calendars: [] }, timezone }),
    action: {
      type: 'startWorkflow' as const,
      workflowType: WORKFLOW,
      // The service appends the time of the run.
      workflowId: scheduleId,
      taskQueue,
      args: [cleaning],
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    },
    policies: { overlap: 'SKIP' as const, catchupWindow: SCHEDULE_DEFAULTS.catchupWindowMs },
  };
}

const RUNS = 5;

async function toView(service: Service, own: ScheduleDescription): Promise<CleaningScheduleView> {
  const { scheduleId, spec, state, action, info } = own;
  const parsed = CleanStoreSchema.safeParse(action.args?.[0]);
  const runs = info.recentActions.slice(-RUNS).reverse();
  return {
    scheduleId,
    cron: toTimes(spec).cron,
    timezone: toTimeZone(spec),
    paused: state.paused,
    cleaning: parsed.success ? parsed.data : null,
    nextTimes: info.nextActionTimes.map((time) => time.getTime()),
    runs: await Promise.all(
      runs.map(({ takenAt, action: { workflow } }) => toRun(service, workflow.workflowId, takenAt.getTime())),
    ),
  };
}

async function toRun(service: Service, workflowId: string, at: number): Promise<CleaningRun> {
  const handle = service.client.workflow.getHandle(workflowId);
  try {
    const { status } = await handle.describe();
    const result = status.name === 'COMPLETED' ? ((await handle.result()) as CleanedStore) : null;
    return { workflowId, at, status: status.name, result };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { workflowId, at, status: 'FORGOTTEN', result: null };
    throw error;
  }
}
