/** Schedules whose batches are really run. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleHandle } from '../../src/client/index.ts';
import type { BatchTarget, LooseScheduleSpec } from '../../src/contract/index.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

/** Due in a far month, so that no run begins by itself. */
const RARELY = { cron: ['0 3 29 2 *'] };

async function create(targets: BatchTarget[], spec: Partial<LooseScheduleSpec> = {}): Promise<ScheduleHandle> {
  const made = await environment.bobbin.schedules.create(`s-${randomUUID()}`, {
    times: RARELY,
    batch: { targets },
    ...spec,
  });
  return made.schedule;
}

/** What came of the newest run, once it has ended. */
async function outcomeOf(schedule: ScheduleHandle) {
  const newest = async () => (await schedule.runs()).at(-1)?.outcome ?? { status: 'running' as const };
  await expect.poll(async () => (await newest()).status, { timeout: 40_000 }).not.toBe('running');
  return newest();
}

describe('a schedule', () => {
  it('reviews its targets, and the next run skips what it has reviewed', async () => {
    const schedule = await create([{ repository: environment.cwd }]);
    const [night, nextNight] = ['2024-02-29T03:00:00Z', '2020-02-29T03:00:00Z'].map((text) => Date.parse(text)) as [
      number,
      number,
    ];
    await schedule.backfill({ from: night, to: night });
    await expect.poll(() => schedule.runs()).toHaveLength(1);
    const first = await outcomeOf(schedule);
    expect(first).toMatchObject({ status: 'completed', result: { status: 'completed', counts: { reviewed: 1 } } });

    await schedule.backfill({ from: nextNight, to: nextNight });
    await expect.poll(() => schedule.runs()).toHaveLength(2);
    expect(await outcomeOf(schedule)).toMatchObject({
      status: 'completed',
      result: { counts: { reviewed: 0, skipped: 1 } },
    });
    const [run] = await schedule.runs();
    expect(await environment.bobbin.batches.get(run?.batchId ?? '').view()).toMatchObject({ status: 'completed' });
  });

  it('pauses itself when no target could be reviewed, and not when one of two could', async () => {
    const gone = { repository: `/nowhere/${randomUUID()}` };
    const inVain = await create([gone], { pauseOnFailure: true });
    await inVain.trigger();
    expect(await outcomeOf(inVain)).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('failed') as string,
    });
    await expect.poll(async () => (await inVain.describe()).paused).toBe(true);

    const half = await create([gone, { repository: environment.workspace() }], { pauseOnFailure: true });
    await half.trigger();
    expect(await outcomeOf(half)).toMatchObject({
      status: 'completed',
      result: { counts: { failed: 1, reviewed: 1 } },
    });
    await expect.poll(async () => (await half.describe()).running).toEqual([]);
    expect((await half.describe()).paused).toBe(false);
  });

  it('stops a batch for the next one by the policy CANCEL_OTHER, and that keeps what it has reviewed', async () => {
    const targets = [{ repository: environment.workspace() }, { repository: environment.workspace() }];
    // The second review waits for a minute to pass.
    const schedule = await create(targets, { batch: { targets, concurrency: 1, reviewsPerMinute: 1 } });
    const night = Date.parse('2024-02-29T03:00:00Z');
    await schedule.backfill({ from: night, to: night });
    await expect.poll(async () => (await schedule.describe()).running).toHaveLength(1);
    const [batchId = ''] = (await schedule.describe()).running;
    const batch = environment.bobbin.batches.get(batchId);
    await expect.poll(async () => (await batch.view()).counts, { timeout: 40_000 }).toMatchObject({ reviewed: 1 });

    const next = await schedule.trigger({ overlap: 'CANCEL_OTHER' });
    expect((await schedule.runs())[0]).toMatchObject({ batchId, outcome: { status: 'cancelled' } });
    expect(await batch.view()).toMatchObject({ status: 'cancelled', counts: { reviewed: 1, notReviewed: 1 } });
    expect(next?.batchId).not.toBe(batchId);
    await environment.bobbin.batches.get(next?.batchId ?? '').cancel();
  });
});
