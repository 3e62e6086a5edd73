/** Creates, finds and lists schedules of batches. */
import { ScheduleAlreadyRunning } from '@temporalio/client';
import {
  BATCH_WORKFLOW_TYPE,
  type LooseScheduleSpec,
  ScheduleIdSchema,
  type ScheduleSpec,
  ScheduleSpecSchema,
  type ScheduleSummary,
} from '../../contract/index.ts';
import type { Service } from '../service.ts';
import { toScheduleError } from './schedule-errors.ts';
import { type ScheduleHandle, openSchedule, updateSchedule } from './schedule-handle.ts';
import { toScheduleSummary, toTemporalParts } from './temporal-schedule.ts';

export interface ScheduleCreated {
  schedule: ScheduleHandle;
  /** False if it existed and was updated. */
  created: boolean;
}

export interface Schedules {
  /**
   * Creates a schedule. If one with that id exists, rejects with `scheduleExists`, or with `ifExists: 'update'` replaces its
   * description. An update keeps `paused` and `note` unless they are given.
   */
  create(
    scheduleId: string,
    spec: LooseScheduleSpec,
    options?: { ifExists?: 'refuse' | 'update' },
  ): Promise<ScheduleCreated>;
  /** Returns a handle without checking that the schedule exists. */
  get(scheduleId: string): ScheduleHandle;
  /** The schedules that start batches, newest first. A change is visible after some seconds. */
  list(options?: { limit?: number }): Promise<ScheduleSummary[]>;
}

export function schedulesOver(service: Service): Schedules {
  const create: Schedules['create'] = async (scheduleId, given, { ifExists = 'refuse' } = {}) => {
    const schedule = openSchedule(service, scheduleId);
    try {
      ScheduleIdSchema.parse(scheduleId);
      const spec = ScheduleSpecSchema.parse(given);
      const parts = toTemporalParts(scheduleId, service.taskQueue, spec);
      await service.within(() => service.client.schedule.create({ scheduleId, ...parts }));
      return { schedule, created: true };
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning && ifExists === 'update'))
        throw toScheduleError(error, `create schedule ${scheduleId}`);
    }
    await replace(service, schedule, ScheduleSpecSchema.parse(given));
    return { schedule, created: false };
  };

  const list: Schedules['list'] = async ({ limit = 100 } = {}) => {
    const found: ScheduleSummary[] = [];
    try {
      await service.within(async () => {
        for await (const summary of service.client.schedule.list()) {
          if (summary.action?.workflowType !== BATCH_WORKFLOW_TYPE) continue;
          found.push(toScheduleSummary(summary));
          if (found.length >= limit) break;
        }
      });
    } catch (error) {
      throw toScheduleError(error, 'list schedules');
    }
    return found;
  };

  return { create, list, get: (scheduleId) => openSchedule(service, scheduleId) };
}

async function replace(service: Service, schedule: ScheduleHandle, spec: ScheduleSpec): Promise<void> {
  const { paused, note } = await schedule.describe();
  const handle = service.client.schedule.getHandle(schedule.scheduleId);
  try {
    await service.within(() => updateSchedule(service, handle, { paused, note, ...spec }));
  } catch (error) {
    throw toScheduleError(error, `update schedule ${schedule.scheduleId}`);
  }
}
