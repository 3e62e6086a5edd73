/** Batches at given times. */
import { z } from 'zod';
import { BackfillSchema, ScheduleSpecSchema, TriggerSchema } from '../../../contract/index.ts';
import { ShortTextSchema, optional } from '../../../contract/shapes.ts';
import { DONE, type Endpoint, NOTHING, endpoint, json } from '../endpoint.ts';
import { LimitSchema, listOf, ref } from '../schemas.ts';

const NoteSchema = z.object({ note: optional(ShortTextSchema) });
const KNOWN = ['scheduleNotFound', 'scheduleForeign'] as const;
const SHARED = { tag: 'Schedules', withoutOwner: true } as const;

export const SCHEDULE_ENDPOINTS: readonly Endpoint[] = [
  endpoint({
    ...SHARED,
    method: 'get',
    path: '/v1/schedules',
    summary: 'List the schedules',
    scope: 'read',
    query: z.object({ limit: LimitSchema }),
    answers: [{ status: 200, says: 'The schedules.', schema: listOf('schedules', 'ScheduleSummary') }],
    problems: [],
    run: async ({ bobbin, query }) => json({ schedules: await bobbin.schedules.list(query) }),
  }),
  endpoint({
    ...SHARED,
    method: 'put',
    path: '/v1/schedules/{scheduleId}',
    summary: 'Create a schedule, or replace its description',
    description: 'A replacement keeps `paused` and `note` unless they are given.',
    scope: 'drive',
    body: ScheduleSpecSchema,
    answers: [{ status: 200, says: 'The schedule.', schema: ref('ScheduleCreated') }],
    problems: [...KNOWN, 'scheduleExists', 'inputTooLarge'],
    async run({ bobbin, params: { scheduleId }, body }) {
      const { created } = await bobbin.schedules.create(scheduleId, body, { ifExists: 'update' });
      return json({ scheduleId, created });
    },
  }),
  endpoint({
    ...SHARED,
    method: 'get',
    path: '/v1/schedules/{scheduleId}',
    summary: 'Read a schedule',
    scope: 'read',
    answers: [{ status: 200, says: 'The schedule.', schema: ref('ScheduleView') }],
    problems: KNOWN,
    run: async ({ bobbin, params: { scheduleId } }) => json(await bobbin.schedules.get(scheduleId).describe()),
  }),
  endpoint({
    ...SHARED,
    method: 'delete',
    path: '/v1/schedules/{scheduleId}',
    summary: 'Delete a schedule; a running batch continues',
    scope: 'drive',
    answers: [DONE],
    problems: KNOWN,
    async run({ bobbin, params: { scheduleId } }) {
      await bobbin.schedules.get(scheduleId).delete();
      return NOTHING;
    },
  }),
  endpoint({
    ...SHARED,
    method: 'get',
    path: '/v1/schedules/{scheduleId}/runs',
    summary: 'Read the newest ten runs and their results, oldest first',
    scope: 'read',
    answers: [{ status: 200, says: 'The runs.', schema: listOf('runs', 'ScheduleRun') }],
    problems: KNOWN,
    run: async ({ bobbin, params: { scheduleId } }) => json({ runs: await bobbin.schedules.get(scheduleId).runs() }),
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/schedules/{scheduleId}/pause',
    summary: 'Start no runs until it is resumed',
    scope: 'drive',
    body: NoteSchema,
    answers: [DONE],
    problems: KNOWN,
    async run({ bobbin, params: { scheduleId }, body: { note } }) {
      await bobbin.schedules.get(scheduleId).pause(note);
      return NOTHING;
    },
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/schedules/{scheduleId}/resume',
    summary: 'Start runs again',
    scope: 'drive',
    body: NoteSchema,
    answers: [DONE],
    problems: KNOWN,
    async run({ bobbin, params: { scheduleId }, body: { note } }) {
      await bobbin.schedules.get(scheduleId).resume(note);
      return NOTHING;
    },
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/schedules/{scheduleId}/trigger',
    summary: 'Start a run now, even if paused',
    description:
      'Waits up to ten seconds for it. `run` is null if it waits for another one, or was skipped. `at`, in milliseconds since the epoch, is the time of the run and the idempotency key: the same second sent twice is one run. Default: now.',
    scope: 'drive',
    body: TriggerSchema,
    answers: [{ status: 200, says: 'The run.', schema: ref('ScheduleTriggered') }],
    problems: KNOWN,
    run: async ({ bobbin, params: { scheduleId }, body }) =>
      json({ run: await bobbin.schedules.get(scheduleId).trigger(body) }),
  }),
  endpoint({
    ...SHARED,
    method: 'post',
    path: '/v1/schedules/{scheduleId}/backfill',
    summary: 'Start the runs that were due in a past period',
    scope: 'drive',
    body: BackfillSchema,
    answers: [DONE],
    problems: KNOWN,
    async run({ bobbin, params: { scheduleId }, body }) {
      await bobbin.schedules.get(scheduleId).backfill(body);
      return NOTHING;
    },
  }),
];
