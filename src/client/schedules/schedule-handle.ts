/** Reads and changes one schedule. */
import { encodeScheduleOverlapPolicy } from '@temporalio/client/lib/schedule-types.js';
import { msToTs } from '@temporalio/common/lib/time.js';
import type { ScheduleDescription, ScheduleHandle as TemporalHandle } from '@temporalio/client';
import {
  BATCH_WORKFLOW_TYPE,
  type Backfill,
  BackfillSchema,
  type OverlapPolicy,
  type ScheduleChanges,
  type ScheduleFiring,
  type ScheduleRun,
  type ScheduleSpec,
  ScheduleSpecSchema,
  type ScheduleView,
  type Trigger,
  TriggerSchema,
} from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import type { Service } from '../service.ts';
import { toScheduleError } from './schedule-errors.ts';
import { awaitFiring, readRuns } from './scheduled-runs.ts';
import { toFirings, toScheduleView, toTemporalParts } from './temporal-schedule.ts';

/**
 * Every call rejects with `scheduleNotFound` if there is no such schedule, and with `scheduleForeign` if it starts something
 * other than a batch.
 */
export interface ScheduleHandle {
  readonly scheduleId: string;
  describe(): Promise<ScheduleView>;
  /** The newest ten runs and their results, oldest first. Includes triggered runs. */
  runs(): Promise<ScheduleRun[]>;
  /** Of two concurrent updates, the later one counts. A running batch does not change. */
  update(changes: ScheduleChanges): Promise<void>;
  /** Starts no runs until it is resumed. A running batch continues. @param note the reason */
  pause(note?: string): Promise<void>;
  /** Runs that were due in the meantime are not started. */
  resume(note?: string): Promise<void>;
  /**
   * Starts a run now, even if paused, and waits up to ten seconds for it. Null if it has not started by then: by the policy, it
   * waits for another run or was skipped. The policy of the schedule does not apply. At most one run per second, and one for
   * each time `at`: choose it before the call if you may have to repeat the call.
   */
  trigger(trigger?: Trigger): Promise<ScheduleFiring | null>;
  /**
   * Starts the runs that were due in a past period. They review the present state, not the past one. By default they run one
   * after another, and at most a thousand are accepted.
   */
  backfill(options: Backfill): Promise<void>;
  /** A running batch continues. */
  delete(): Promise<void>;
}

/** Temporal's default is ALLOW_ALL. Such a run is not watched: it neither delays others nor pauses the schedule. */
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
    describe: () => ask('read', (own) => Promise.resolve(toScheduleView(own))),
    runs: () => ask('read the runs of', (own) => readRuns(service, toFirings(own.info))),
    update: (changes) => ask('update', (own) => updateSchedule(service, handle, merge(toScheduleView(own), changes))),
    pause: (note) => ask('pause', () => handle.pause(note ?? 'Paused')),
    resume: (note) => ask('resume', () => handle.unpause(note ?? 'Resumed')),
    async trigger(trigger = {}) {
      const now = Date.now();
      const { known, at } = await ask('trigger', async (own) => {
        const { overlap = TRIGGER_OVERLAP, at = now } = TriggerSchema.parse(trigger);
        const known = firingAt(own, at);
        if (known === null) await startRun(service, scheduleId, overlap, at);
        return { known, at };
      });
      return known ?? awaitFiring(() => ask('trigger', (own) => Promise.resolve(firingAt(own, at))));
    },
    backfill: (options) =>
      ask('backfill', () => {
        const { from, to, overlap } = BackfillSchema.parse(options);
        return handle.backfill({ start: new Date(from), end: new Date(to), overlap: overlap ?? BACKFILL_OVERLAP });
      }),
    delete: () => ask('delete', () => handle.delete()),
  };
}

function firingAt({ info }: ScheduleDescription, at: number): ScheduleFiring | null {
  return toFirings(info).find(({ scheduledAt }) => toSeconds(scheduledAt) === toSeconds(at)) ?? null;
}

const toSeconds = (ms: number): number => Math.floor(ms / 1_000);

/** The SDK's own call chooses the id of the request and the time of the run, so that a repeated call is another run. */
async function startRun(
  { connection, namespace }: Service,
  scheduleId: string,
  overlap: OverlapPolicy,
  at: number,
): Promise<void> {
  const seconds = toSeconds(at);
  await connection.workflowService.patchSchedule({
    ...{ namespace, scheduleId, requestId: `run-${seconds}` },
    patch: {
      triggerImmediately: {
        overlapPolicy: encodeScheduleOverlapPolicy(overlap) ?? null,
        scheduledTime: msToTs(seconds * 1_000),
      },
    },
  });
}

async function describeOwn(handle: TemporalHandle): Promise<ScheduleDescription> {
  const description = await handle.describe();
  const { workflowType } = description.action;
  if (workflowType === BATCH_WORKFLOW_TYPE) return description;
  throw new BobbinError(
    'scheduleForeign',
    `Schedule ${handle.scheduleId} starts ${workflowType}, not a batch of reviews; use the tool that made it.`,
  );
}

/** Merges changes into a description; null restores a default. */
function merge(view: ScheduleView, changes: ScheduleChanges): ScheduleSpec {
  const { batch, ...rest } = changes;
  const named = Object.entries(rest).filter(([, value]) => value !== undefined);
  return ScheduleSpecSchema.parse({
    ...view,
    ...Object.fromEntries(named),
    batch: { ...view.batch, ...batch },
  });
}

/** Replaces the description. Members that this client does not know stay. */
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
