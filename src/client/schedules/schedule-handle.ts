/** One schedule: looks at it, and changes it. */
import type { ScheduleDescription, ScheduleHandle as TemporalHandle } from '@temporalio/client';
import {
  BATCH_WORKFLOW_TYPE,
  type Backfill,
  BackfillSchema,
  type OverlapPolicy,
  OverlapPolicySchema,
  type ScheduleChanges,
  type ScheduleFiring,
  type ScheduleRun,
  type ScheduleSpec,
  ScheduleSpecSchema,
  type ScheduleView,
} from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import type { Service } from '../service.ts';
import { toScheduleError } from './schedule-errors.ts';
import { awaitFiring, readRuns } from './scheduled-runs.ts';
import { toFirings, toScheduleView, toTemporalParts } from './temporal-schedule.ts';

/**
 * Every call rejects with `scheduleNotFound` where there is no such schedule, and with `scheduleForeign` where it starts
 * something else than a batch.
 */
export interface ScheduleHandle {
  readonly scheduleId: string;
  describe(): Promise<ScheduleView>;
  /** The newest runs, at most ten, oldest first, with what became of them. Those begun by hand are among them. */
  runs(): Promise<ScheduleRun[]>;
  /** Of two updates at the same time the later one counts. A batch that runs goes on as it was begun. */
  update(changes: ScheduleChanges): Promise<void>;
  /** No run is due until it is resumed; one that runs goes on. @param note why */
  pause(note?: string): Promise<void>;
  /** Runs that were due in the meantime are not made up for. */
  resume(note?: string): Promise<void>;
  /**
   * Begins a run now, paused or not, and waits up to ten seconds for it. Null where none has begun by then: it waits for
   * another one, or was left out, by the policy. There is at most one in a second.
   * @param overlap in place of the schedule's; where it is left out `BUFFER_ONE`: after one that runs
   */
  trigger(options?: { overlap?: OverlapPolicy }): Promise<ScheduleFiring | null>;
  /**
   * Begins the runs that were due in that time, now. They review what there is now, not what there was.
   * Where no policy is given they run one after another, and not more than a thousand are taken.
   */
  backfill(options: Backfill): Promise<void>;
  /** A batch that runs goes on. */
  delete(): Promise<void>;
}

/** Temporal's own is ALLOW_ALL, and such a run is not watched: it neither holds others up nor pauses the schedule. */
const TRIGGER_OVERLAP = 'BUFFER_ONE';
const BACKFILL_OVERLAP = 'BUFFER_ALL';

export function openSchedule(service: Service, scheduleId: string): ScheduleHandle {
  const handle = service.client.schedule.getHandle(scheduleId);

  const ask = async <T>(action: string, call: (own: ScheduleDescription) => Promise<T>): Promise<T> => {
    try {
      return await service.within(async () => call(await describeOwn(handle)));
    } catch (error) {
      throw toScheduleError(error, `${action} schedule ${scheduleId}`);
    }
  };

  return {
    scheduleId,
    describe: () => ask('look at', (own) => Promise.resolve(toScheduleView(own))),
    runs: () => ask('look at the runs of', (own) => readRuns(service, toFirings(own.info))),
    update: (changes) => ask('update', (own) => updateSchedule(service, handle, merge(toScheduleView(own), changes))),
    pause: (note) => ask('pause', () => handle.pause(note ?? 'Paused')),
    resume: (note) => ask('resume', () => handle.unpause(note ?? 'Resumed')),
    async trigger(options = {}) {
      const before = await ask('trigger', async (own) => {
        await handle.trigger(OverlapPolicySchema.parse(options.overlap ?? TRIGGER_OVERLAP));
        return toFirings(own.info);
      });
      const firings = () => ask('trigger', (own) => Promise.resolve(toFirings(own.info)));
      return awaitFiring(before, firings);
    },
    backfill: (options) =>
      ask('backfill', () => {
        const { from, to, overlap } = BackfillSchema.parse(options);
        return handle.backfill({ start: new Date(from), end: new Date(to), overlap: overlap ?? BACKFILL_OVERLAP });
      }),
    delete: () => ask('delete', () => handle.delete()),
  };
}

async function describeOwn(handle: TemporalHandle): Promise<ScheduleDescription> {
  const description = await handle.describe();
  const { workflowType } = description.action;
  if (workflowType === BATCH_WORKFLOW_TYPE) return description;
  throw new BobbinError(
    'scheduleForeign',
    `Schedule ${handle.scheduleId} starts ${workflowType}, not a batch of reviews; use the tool it was made with.`,
  );
}

/** What it was, with what is to change; null puts a default back. */
function merge(view: ScheduleView, changes: ScheduleChanges): ScheduleSpec {
  const { batch, ...rest } = changes;
  const named = Object.entries(rest).filter(([, value]) => value !== undefined);
  return ScheduleSpecSchema.parse({
    ...view,
    ...Object.fromEntries(named),
    batch: { ...view.batch, ...batch },
  });
}

/** Puts a description in place of the one that is there. What this client has no name for stays. */
export async function updateSchedule(service: Service, handle: TemporalHandle, spec: ScheduleSpec): Promise<void> {
  const { spec: times, action, policies, state } = toTemporalParts(handle.scheduleId, service.taskQueue, spec);
  await handle.update((previous) => ({
    spec: { ...times, skip: previous.spec.skip ?? [] },
    action: { ...previous.action, ...action },
    policies,
    state,
    typedSearchAttributes: previous.typedSearchAttributes,
  }));
}
