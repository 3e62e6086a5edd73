import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleSummary, ScheduleView } from '../../src/contract/index.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());

const schedule = (args: string[], input = '') => runCli(['schedule', ...args], { ...environment, input });

const listed = async (id: string) =>
  (await environment.bobbin.schedules.list()).find(({ scheduleId }) => scheduleId === id);

const newId = () => `cli-${randomUUID().slice(0, 8)}`;

describe('bobbin schedule', () => {
  it('makes a schedule of everything that can be said, and shows it to people and to programs', async () => {
    const id = newId();
    const options = [
      ...['--cron', '30 4 1 1 *', '--every', '12h/30m', '--calendar', '{"hour": 5, "month": "MAY"}'],
      ...['--timezone', 'europe/berlin', '--jitter', '90s', '--start-at', '2040-01-01T00:00:00+01:00'],
      ...['--end-at', '2041-01-01T00:00Z', '--overlap', 'buffer_all', '--catchup-window', '1h30m'],
      ...['--pause-on-failure', '--remaining', '3', '--paused', '--note', 'by night'],
      ...['--repository', '.', '--base', 'main', '--concurrency', '2', '--batch-budget-usd', '5'],
    ];
    const made = await schedule(['create', id, ...options]);
    expect(made).toMatchObject({ code: 0, stderr: '' });
    expect(made.stdout.split('\n').slice(0, 3)).toEqual([
      `schedule ${id} created`,
      'next        once it is resumed',
      expect.stringMatching(/^ {2}Sun 2040-01-01 \d\d:\d\d:\d\d \+01:00$/) as string,
    ]);
    const shown = JSON.parse((await schedule(['show', id, '--json'])).stdout) as ScheduleView;
    expect(shown).toMatchObject({
      times: { cron: ['30 4 1 1 *'], intervals: [{ everyMs: 43_200_000, offsetMs: 1_800_000 }] },
      timezone: 'Europe/Berlin',
      jitterMs: 90_000,
      startAt: Date.parse('2039-12-31T23:00:00Z'),
      endAt: Date.parse('2041-01-01T00:00:00Z'),
      overlap: 'BUFFER_ALL',
      catchupWindowMs: 5_400_000,
      pauseOnFailure: true,
      remainingActions: 3,
      paused: true,
      note: 'by night',
      batch: {
        targets: [{ repository: environment.cwd, base: 'main' }],
        concurrency: 2,
        budget: { batch: { costUsd: 5 } },
      },
      runs: [],
    });
    const { stdout } = await schedule(['show', id]);
    const lines = stdout.split('\n').filter((line) => !/^ {2}\w{3} 2040/.test(line));
    expect(lines).toEqual([
      `${id}: paused (by night)`,
      'due         30 4 1 1 *',
      '            every 12h and 30m',
      '            MAY, hour 5, minute 0',
      'zone        Europe/Berlin',
      'limits      up to 1m30s late, from Sun 2040-01-01 00:00:00 +01:00, until Tue 2041-01-01 01:00:00 +01:00, 3 more runs',
      'overlap     BUFFER_ALL, catches up 1h30m, pauses on failure',
      'runs        0 started, 0 skipped because of another run, 0 missed',
      'next        once it is resumed',
      'targets     1',
      `  ${environment.cwd} against main`,
      '',
    ]);
  });

  it('refuses a second one of the same id with 6 and says what to do, or updates it as asked', async () => {
    const id = newId();
    const create = (...more: string[]) =>
      schedule(['create', id, '--cron', '@daily', '--repository', '/srv/a', ...more]);
    expect((await create('--paused')).code).toBe(0);
    expect(await create()).toMatchObject({ code: 6, stderr: expect.stringContaining('--if-exists update') as string });
    const updated = await create('--if-exists', 'update', '--overlap', 'SKIP', '--json');
    expect(JSON.parse(updated.stdout)).toMatchObject({ created: false, schedule: { scheduleId: id, paused: true } });
  });

  it('takes targets from a file or from standard input, and changes only what is named', async () => {
    const id = newId();
    const file = join(environment.cwd, 'nightly.json');
    writeFileSync(file, JSON.stringify({ targets: ['.'], concurrency: 3 }));
    expect((await schedule(['create', id, '--cron', '0 3 29 2 *', '--targets', file])).code).toBe(0);
    const update = await schedule(['update', id, '--targets', '-', '--jitter', '1m', '--json'], '["/srv/b"]');
    const { schedule: view } = JSON.parse(update.stdout) as { schedule: ScheduleView };
    expect(view).toMatchObject({
      times: { cron: ['0 3 29 2 *'] },
      jitterMs: 60_000,
      batch: { targets: [{ repository: '/srv/b' }], concurrency: 3 },
    });
    expect((await schedule(['update', id])).code).toBe(2);
  });

  it('pauses, triggers, fills in, resumes, lists and deletes', async () => {
    const id = newId();
    await schedule(['create', id, '--cron', '0 3 * * *', '--timezone', 'Asia/Tokyo', '--repository', '/srv/a']);
    expect(await schedule(['pause', id, '--note', 'release week'])).toMatchObject({
      code: 0,
      stdout: `schedule ${id} paused\n`,
    });
    const full = JSON.parse((await schedule(['trigger', id, '--full-pass', '--json'])).stdout) as { batchId: string };
    expect(full.batchId).toMatch(new RegExp(`^${id}-full-\\S+Z$`));
    expect((await schedule(['trigger', id, '--full-pass', '--overlap', 'skip'])).code).toBe(2);
    const triggered = await schedule(['trigger', id]);
    expect(triggered.stdout).toMatch(new RegExp(`^batch ${id}-\\S+Z started; \`.* batch show`));
    const again = ['trigger', id, '--overlap', 'ALLOW_ALL', '--at', '2026-01-31T18:00:00+01:00'];
    for (const { stdout } of [await schedule(again), await schedule(again)])
      expect(stdout).toMatch(new RegExp(`^batch ${id}-2026-01-31T17:00:00Z started`));
    expect((await schedule(['backfill', id, '--from', '2026-01-01T00:00Z', '--to', '2026-01-02T00:00Z'])).code).toBe(0);
    await expect.poll(async () => (await listed(id))?.note).toBe('release week');
    const list = JSON.parse((await schedule(['list', '--json'])).stdout) as ScheduleSummary[];
    expect(list.find(({ scheduleId }) => scheduleId === id)).toMatchObject({ paused: true, timezone: 'Asia/Tokyo' });
    expect((await schedule(['list'])).stdout).toMatch(
      new RegExp(`^${id} +paused +0 3 \\* \\* \\* +next \\w{3} \\S+ 03:00:00 \\+09:00`, 'm'),
    );
    expect((await schedule(['show', id])).stdout).toMatch(
      new RegExp(`^ {2}\\w{3} \\S+ \\S+ \\+09:00 {2}${id}-\\S+Z {2}running$`, 'm'),
    );
    expect((await schedule(['resume', id])).stdout).toContain(`schedule ${id} resumed`);
    expect((await schedule(['delete', id])).code).toBe(0);
    expect((await schedule(['show', id])).code).toBe(6);
  });

  it('exits with 2 where it cannot be used, before anything is sent', async () => {
    const ran = await schedule(['create', newId(), '--cron', '0 0 3 * * *', '--repository', '/r']);
    const stderr = expect.stringContaining('6 fields instead of five') as string;
    expect(ran).toMatchObject({ code: 2, stdout: '', stderr });
  });
});
