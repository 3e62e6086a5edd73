import { randomUUID } from 'node:crypto';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleHandle } from '../../src/client/index.ts';
import type { BatchResult, LooseScheduleSpec, OverlapPolicy, ScheduleSpec } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

/** Nothing works on the queue but the test: it answers workflow tasks by hand. */
let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());

const batch = { targets: [{ repository: '/srv/a', base: 'main' }, { repository: '/srv/b' }], concurrency: 2 };
/** Due in a far month, so that no run begins by itself. */
const RARELY = { cron: ['0 3 29 2 *'] };
const POLICIES: OverlapPolicy[] = ['SKIP', 'BUFFER_ONE', 'BUFFER_ALL', 'CANCEL_OTHER', 'TERMINATE_OTHER', 'ALLOW_ALL'];

const newId = () => `s-${randomUUID()}`;

async function create(spec: Partial<LooseScheduleSpec> = {}, scheduleId = newId()): Promise<ScheduleHandle> {
  const { schedule, created } = await environment.bobbin.schedules.create(scheduleId, {
    times: RARELY,
    batch,
    ...spec,
  });
  expect(created).toBe(true);
  return schedule;
}

describe('a schedule that is made', () => {
  it('has everything that was said of it', async () => {
    const said = {
      times: {
        cron: ['30 2 * * MON-FRI', '@monthly'],
        intervals: [{ everyMs: 7_200_000, offsetMs: 1_800_000 }],
        calendars: [
          {
            second: [{ start: 0, end: 0, step: 1 }],
            minute: [{ start: 5, end: 55, step: 10 }],
            hour: [{ start: 0, end: 0, step: 1 }],
            dayOfMonth: [{ start: 1, end: 31, step: 1 }],
            month: [{ start: 'MAY' as const, end: 'JULY' as const, step: 1 }],
            year: [{ start: 2030, end: 2031, step: 1 }],
            dayOfWeek: [{ start: 'SUNDAY' as const, end: 'SUNDAY' as const, step: 1 }],
            comment: 'on summer nights',
          },
        ],
      },
      timezone: 'Europe/Berlin',
      jitterMs: 90_000,
      startAt: Date.parse('2040-01-01T00:00:00Z'),
      endAt: Date.parse('2041-01-01T00:00:00.500Z'),
      overlap: 'BUFFER_ONE' as const,
      catchupWindowMs: 600_000,
      pauseOnFailure: true,
      remainingActions: 7,
      paused: true,
      note: 'not before the release',
      batch,
    } satisfies ScheduleSpec;
    const schedule = await create(said);
    expect(await schedule.describe()).toEqual({
      ...said,
      scheduleId: schedule.scheduleId,
      nextTimes: expect.any(Array) as number[],
      running: [],
      counts: { taken: 0, missed: 0, skipped: 0 },
      createdAt: expect.any(Number) as number,
      updatedAt: null,
    });
  });

  it('has a catch-up window of an hour, in UTC, where nothing is said', async () => {
    const schedule = await create({ times: { intervals: [{ everyMs: 31_536_000_000 }] } });
    expect(await schedule.describe()).toMatchObject({
      timezone: 'UTC',
      jitterMs: 0,
      startAt: null,
      endAt: null,
      overlap: 'SKIP',
      catchupWindowMs: 3_600_000,
      pauseOnFailure: false,
      remainingActions: null,
      paused: false,
      note: '',
      batch,
    });
  });

  it.each(POLICIES)('keeps the policy %s', async (overlap) => {
    expect((await (await create({ overlap })).describe()).overlap).toBe(overlap);
  });

  it('leaves out a time that the clock leaps over, and follows the clock of its zone', async () => {
    const schedule = await create({
      times: { cron: ['30 2 * * *'] },
      timezone: 'Europe/Berlin',
      startAt: Date.parse('2040-03-24T00:00:00Z'),
    });
    const { nextTimes } = await schedule.describe();
    expect(nextTimes.slice(0, 2).map((time) => new Date(time).toISOString())).toEqual([
      '2040-03-24T01:30:00.000Z',
      '2040-03-26T00:30:00.000Z',
    ]);
  });

  it.each<[string, Partial<LooseScheduleSpec>, string]>([
    ['six fields', { times: { cron: ['0 0 3 * * *'] } }, '6 fields instead of five'],
    ['a minute out of range', { times: { cron: ['75 3 * * *'] } }, 'minute: 75 is not within 0 to 59'],
    ['a zone that is not there', { timezone: 'Mars/Olympus' }, 'time zone Mars/Olympus is not known'],
    ['no time', { times: {} }, 'a cron line, an interval or a calendar is needed'],
  ])('is not made of %s', async (_what, spec, message) => {
    const id = newId();
    await expect(environment.bobbin.schedules.create(id, { times: RARELY, batch, ...spec })).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining(message) as string,
    });
    await expect(environment.bobbin.schedules.get(id).describe()).rejects.toMatchObject({ code: 'scheduleNotFound' });
  });
});

describe('making a schedule twice', () => {
  it('is refused, and changes nothing', async () => {
    const schedule = await create({ note: 'first' });
    const again = environment.bobbin.schedules.create(schedule.scheduleId, { times: RARELY, batch, note: 'second' });
    await expect(again).rejects.toMatchObject({ code: 'scheduleExists' });
    expect((await schedule.describe()).note).toBe('first');
  });

  it('replaces the old one by the new one if asked to, and does not resume it', async () => {
    const schedule = await create({ jitterMs: 1_000, remainingActions: 3 });
    await schedule.pause('release week');
    const again = await environment.bobbin.schedules.create(
      schedule.scheduleId,
      { times: { cron: ['0 4 29 2 *'] }, batch: { targets: [{ repository: '/srv/c' }] } },
      { ifExists: 'update' },
    );
    expect(again.created).toBe(false);
    expect(await schedule.describe()).toMatchObject({
      times: { cron: ['0 4 29 2 *'], intervals: [], calendars: [] },
      jitterMs: 0,
      remainingActions: null,
      paused: true,
      note: 'release week',
      batch: { targets: [{ repository: '/srv/c' }] },
    });
  });
});

describe('a schedule that is there', () => {
  it('changes only in what is named, and null takes a limit away', async () => {
    const schedule = await create({ jitterMs: 60_000, endAt: Date.parse('2040-01-01T00:00:00Z'), note: 'n' });
    const before = await schedule.describe();
    await schedule.update({ endAt: null, overlap: 'ALLOW_ALL', batch: { concurrency: 9 } });
    expect(await schedule.describe()).toEqual({
      ...before,
      endAt: null,
      overlap: 'ALLOW_ALL',
      batch: { ...batch, concurrency: 9 },
      nextTimes: expect.any(Array) as number[],
      updatedAt: expect.any(Number) as number,
    });
  });

  it('is paused and resumed, with a note', async () => {
    const schedule = await create();
    await schedule.pause('release week');
    expect(await schedule.describe()).toMatchObject({ paused: true, note: 'release week' });
    await schedule.resume('released');
    expect(await schedule.describe()).toMatchObject({ paused: false, note: 'released' });
  });

  it('begins a batch at once when it is triggered, although it is paused', async () => {
    const schedule = await create({ paused: true });
    const run = await schedule.trigger();
    expect(run?.batchId).toMatch(new RegExp(`^${schedule.scheduleId}-\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$`));
    expect(await startOf(run?.batchId)).toEqual({
      type: 'batchReview',
      args: [batch],
      taskQueue: environment.taskQueue,
      taskTimeoutSeconds: 5,
    });
    expect((await schedule.describe()).running).toEqual([run?.batchId]);
    expect(await schedule.runs()).toEqual([{ ...run, outcome: { status: 'running' } }]);
  });

  it('begins one batch for one time, however often it is sent: at once, while it runs, and when it has ended', async () => {
    const schedule = await create({ paused: true });
    const at = Date.parse('2026-01-01T03:00:00.400Z');
    const [run, same] = await Promise.all([schedule.trigger({ at }), schedule.trigger({ at: at + 500 })]);
    expect(run).toMatchObject({ batchId: `${schedule.scheduleId}-2026-01-01T03:00:00Z` });
    expect(same).toEqual(run);
    expect(await schedule.trigger({ at })).toEqual(run);
    await answer(schedule, { type: 'cancelled' });
    expect(await schedule.trigger({ at })).toEqual(run);
    expect((await schedule.runs()).map(({ batchId }) => batchId)).toEqual([run?.batchId]);
    await expect(schedule.trigger({ at: -1 })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('makes up for the runs of a time that is gone', async () => {
    const schedule = await create({ times: { cron: ['0 3 * * *'] }, paused: true });
    const [from, to] = [Date.parse('2026-01-01T00:00:00Z'), Date.parse('2026-01-03T03:00:00Z')];
    await schedule.backfill({ from, to, overlap: 'ALLOW_ALL' });
    await expect
      .poll(async () => (await schedule.runs()).map(({ batchId }) => batchId))
      .toEqual(['01', '02', '03'].map((day) => `${schedule.scheduleId}-2026-01-${day}T03:00:00Z`));
    await expect(schedule.backfill({ from: to, to: from })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('tells the batch before it to stop, by the policy CANCEL_OTHER', async () => {
    const schedule = await create({ times: { cron: ['0 3 * * *'] }, overlap: 'CANCEL_OTHER', paused: true });
    const night = Date.parse('2026-01-01T03:00:00Z');
    await schedule.backfill({ from: night, to: night });
    await expect.poll(async () => (await schedule.describe()).running).toHaveLength(1);
    const [first] = (await schedule.describe()).running;
    const second = schedule.trigger({ overlap: 'CANCEL_OTHER' });
    await expect.poll(() => hasEvent(first, 'workflowExecutionCancelRequestedEventAttributes')).toBe(true);
    await answer(schedule, { type: 'cancelled' });
    expect((await second)?.batchId).not.toBe(first);
    expect((await schedule.runs()).map(({ outcome }) => outcome.status)).toEqual(['cancelled', 'running']);
  });

  it('tells what a batch came to', async () => {
    const schedule = await create();
    const run = await schedule.trigger();
    const result: BatchResult = {
      batchId: run?.batchId ?? '',
      status: 'completed',
      counts: { waiting: 0, running: 0, reviewed: 2, skipped: 0, notReviewed: 0, failed: 0 },
      findings: { new: 3, unchanged: 0, reopened: 0, fixed: 1, dismissed: 0 },
      spent: { tokens: 1, costMicroUsd: 2, steps: 3, wallMs: 4 },
      reason: null,
    };
    await answer(schedule, { type: 'completed', result });
    expect(await schedule.runs()).toEqual([{ ...run, outcome: { status: 'completed', result } }]);
  });

  it('pauses itself when a batch fails, where that is asked for', async () => {
    const schedule = await create({ pauseOnFailure: true });
    const run = await schedule.trigger();
    await answer(schedule, { type: 'failed', message: 'every target failed' });
    await expect.poll(() => schedule.describe()).toMatchObject({ paused: true, running: [] });
    expect((await schedule.describe()).note).toContain(run?.batchId);
    const outcome = { status: 'failed', message: 'every target failed' };
    expect(await schedule.runs()).toEqual([{ ...run, outcome }]);
  });

  it('is listed until it is deleted', async () => {
    const schedule = await create({ times: { cron: ['0 3 * * *'] }, timezone: 'Asia/Tokyo', paused: true, note: 'n' });
    const listed = async () =>
      (await environment.bobbin.schedules.list()).find(({ scheduleId }) => scheduleId === schedule.scheduleId);
    await expect.poll(listed).toEqual({
      scheduleId: schedule.scheduleId,
      times: { cron: ['0 3 * * *'], intervals: [], calendars: [] },
      timezone: 'Asia/Tokyo',
      paused: true,
      note: 'n',
      nextAt: expect.any(Number) as number,
      lastRun: null,
    });
    await schedule.delete();
    await expect.poll(listed).toBeUndefined();
    await expect(schedule.pause()).rejects.toMatchObject({ code: 'scheduleNotFound' });
  });

  it('is left alone where it starts something else', async () => {
    const scheduleId = newId();
    const handle = await environment.bobbin.service.client.schedule.create({
      scheduleId,
      spec: { cronExpressions: RARELY.cron },
      action: { type: 'startWorkflow', workflowType: 'payroll', taskQueue: environment.taskQueue },
    });
    const schedule = environment.bobbin.schedules.get(scheduleId);
    await expect(schedule.delete()).rejects.toMatchObject({ code: 'scheduleForeign' });
    const update = environment.bobbin.schedules.create(scheduleId, { times: RARELY, batch }, { ifExists: 'update' });
    await expect(update).rejects.toMatchObject({ code: 'scheduleForeign' });
    expect((await environment.bobbin.schedules.list()).map((known) => known.scheduleId)).not.toContain(scheduleId);
    await handle.delete();
  });
});

async function historyOf(batchId: string | undefined) {
  const handle = environment.bobbin.service.client.workflow.getHandle(`batch-review/${batchId}`);
  return (await handle.fetchHistory()).events ?? [];
}

async function hasEvent(batchId: string | undefined, attributes: string): Promise<boolean> {
  return (await historyOf(batchId)).some((event) =>
    Object.entries(event).some(([name, value]) => name === attributes && value !== null),
  );
}

/** How a batch was started. */
async function startOf(batchId: string | undefined) {
  const [first] = await historyOf(batchId);
  const started = first?.workflowExecutionStartedEventAttributes;
  return {
    type: started?.workflowType?.name,
    args: started?.input?.payloads?.map((payload) => defaultPayloadConverter.fromPayload(payload)),
    taskQueue: started?.taskQueue?.name,
    taskTimeoutSeconds: Number(started?.workflowTaskTimeout?.seconds),
  };
}

type Answer = { type: 'completed'; result: BatchResult } | { type: 'failed'; message: string } | { type: 'cancelled' };

/** Ends a batch of the schedule in the place of a worker. Tasks of others that come first are dropped. */
async function answer(schedule: ScheduleHandle, given: Answer): Promise<void> {
  const { service } = environment.bobbin;
  const { connection, namespace } = service;
  const taskQueue = { name: environment.taskQueue };
  for (;;) {
    const { taskToken, workflowExecution } = await service.within(() =>
      connection.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'the test' }),
    );
    if (workflowExecution?.workflowId?.includes(schedule.scheduleId) !== true) continue;
    const commands = [toCommand(given)] as Commands;
    await service.within(() =>
      connection.workflowService.respondWorkflowTaskCompleted({ taskToken, namespace, commands }),
    );
    return;
  }
}

type Commands = NonNullable<
  Parameters<
    TestEnvironment['bobbin']['service']['connection']['workflowService']['respondWorkflowTaskCompleted']
  >[0]['commands']
>;

/** The numbers are those of the service's API. */
function toCommand(given: Answer): object {
  switch (given.type) {
    case 'completed': {
      const result = { payloads: [defaultPayloadConverter.toPayload(given.result)] };
      return { commandType: 4, completeWorkflowExecutionCommandAttributes: { result } };
    }
    case 'failed': {
      const failure = { message: given.message, applicationFailureInfo: { type: 'batchFailed', nonRetryable: true } };
      return { commandType: 5, failWorkflowExecutionCommandAttributes: { failure } };
    }
    case 'cancelled':
      return { commandType: 7, cancelWorkflowExecutionCommandAttributes: {} };
  }
}
