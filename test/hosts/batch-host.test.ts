/** Targets of batches and schedules that name their host. */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { LedgerDirectory } from '../../activities/ports.ts';
import { listRegistrations } from '../../src/client/hosts/hosts.ts';
import type { BatchRow, RunRecorded } from '../../src/contract/index.ts';
import { BATCH_PREFIX } from '../../src/contract/plain/workflow-ids.ts';
import { createLedgerDirectory } from '../../src/worker/directories/ledger-directory.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { makeRepository } from '../parts/repositories.ts';
import { runCli } from '../parts/run-cli.ts';
import { GRACE } from './two-hosts.ts';

let environment: TestEnvironment;
let folder: string;
// Two hosts that see the same files, so that only the name decides.
beforeAll(async () => {
  environment = await openEnvironment({ worker: false, env: { BOBBIN_IDENTITY_MODE: 'off' } });
  const data = `${environment.data}-b`;
  const shared = { BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive') };
  await environment.worker({ BOBBIN_HOST: 'host-a' });
  await environment.worker({ BOBBIN_HOST: 'host-b', BOBBIN_DATA_DIR: data, ...shared });
  const known = async () => (await listRegistrations(environment.bobbin.service)).map(({ hostId }) => hostId);
  await vi.waitFor(async () => expect(await known()).toEqual(['host-a', 'host-b']), { timeout: 30_000 });
  folder = makeRepository(join(environment.data, '..', 'target'), { 'a.ts': 'one\n// TODO: two\n' });
});
afterAll(() => environment.close());

const cli = (...args: string[]) => runCli(args, environment);

async function run(...targets: string[]): Promise<{ batchId: string; rows: BatchRow[] }> {
  const { stdout } = await cli('batch', 'run', ...targets, '--json');
  return JSON.parse(stdout) as { batchId: string; rows: BatchRow[] };
}

const hostOf = async (threadId: string) => {
  const { client } = environment.bobbin.service;
  const handle = client.workflow.getHandle(`thread/${threadId}`);
  return (await handle.query<{ settings: { host?: string } }>('thread')).settings.host;
};

describe('a target', () => {
  it('is reviewed on the host that it names, with a ledger for each', async () => {
    const named = (host: string) => ['--repository', folder, '--host', host];
    const { batchId, rows } = await run('--repository', folder, ...named('host-b'), ...named('host-a'));
    expect(rows.map(({ outcome }) => outcome)).toMatchObject(
      rows.map(() => ({ status: 'reviewed', counts: { new: 1 } })),
    );
    expect(new Set(rows.map(({ targetId }) => targetId)).size).toBe(3);
    const hosts = await Promise.all(rows.map(({ index }) => hostOf(`${batchId}/${index}`)));
    expect(hosts).toEqual(['host-a', 'host-b', 'host-a']);
    const listed = await cli('batch', 'rows', batchId);
    expect(listed.stdout).toContain(`${folder} on host host-b: 1 new`);
    const again = await run(...named('host-b'));
    expect(again.rows).toMatchObject([{ targetId: rows[1]?.targetId, outcome: { status: 'skipped' } }]);
  });

  it('is fetched by the host that it names', async () => {
    const { batchId, rows } = await run('--repository', `file://${folder}`, '--host', 'host-b');
    expect(rows).toMatchObject([{ outcome: { status: 'reviewed' } }]);
    expect(await hostOf(`${batchId}/0`)).toBe('host-b');
  });

  it('is refused a host that has no such folder or is drained, by name', async () => {
    await environment.bobbin.hosts.drain('host-b');
    const status = async () => (await environment.bobbin.hosts.show('host-b')).status;
    await expect.poll(status, { timeout: 30_000 }).toBe('draining');
    // Workers use what they know about hosts for some seconds.
    const why = async () =>
      (await run('--repository', `file://${folder}`, '--host', 'host-b', '--full-pass')).rows[0]?.outcome;
    await expect.poll(why, { timeout: 60_000 }).toMatchObject({
      status: 'failed',
      code: 'workspaceOnNoHost',
      message: expect.stringContaining('host-b (draining)') as string,
    });
    await environment.bobbin.hosts.drain('host-b', false);
    const { rows } = await run('--repository', '/nowhere/at-all', '--host', 'host-a');
    expect(rows).toMatchObject([
      { outcome: { status: 'failed', message: expect.stringContaining('host-a (has no such folder)') as string } },
    ]);
  });
});

describe('a review whose host is lost when its ledger has recorded it', () => {
  it('is reported as what it was, and not made again', async () => {
    const real = createLedgerDirectory(environment.bobbin.service);
    const recorded = new EventEmitter();
    const ledgers: LedgerDirectory = {
      ...real,
      async record(target, run, signal) {
        recorded.emit('recorded', await real.record(target, run, signal));
        // Its answer never leaves the host.
        await once(signal, 'abort');
        throw signal.reason;
      },
    };
    const answered = once(recorded, 'recorded') as Promise<[RunRecorded]>;
    const env = { BOBBIN_HOST: 'host-0', BOBBIN_DATA_DIR: `${environment.data}-0`, BOBBIN_HOST_GRACE: GRACE };
    const archive = { BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive') };
    const worker = await environment.worker({ ...env, ...archive }, { ledgers });
    const known = async () => (await listRegistrations(environment.bobbin.service)).map(({ hostId }) => hostId);
    await expect.poll(known, { timeout: 30_000 }).toContain('host-0');
    const target = { repository: `file://${folder}`, host: 'host-0' };
    const { batches, threads } = environment.bobbin;
    const batch = await batches.start({ targets: [target] });
    const [{ counts }] = await answered;
    await worker.stop();
    const review = environment.bobbin.service.client.workflow.getHandle(`${BATCH_PREFIX}${batch.batchId}/0`);
    const pending = async () => (await review.describe()).raw.pendingActivities?.map((one) => one.activityType?.name);
    await expect.poll(pending, { timeout: 60_000 }).toEqual(['openTarget']);
    await environment.worker({ ...env, ...archive });
    await batch.follow();
    const { targets } = await batch.record();
    const outcome = { status: 'reviewed', full: true, counts, filesLeftOut: 0, open: 1 };
    expect(targets[0]?.row).toMatchObject({ outcome });
    expect(counts).toMatchObject({ new: 1 });
    expect(targets[0]?.ledger?.runs).toMatchObject([{ runId: `${batch.batchId}/0`, counts }]);
    await expect(threads.get(`${batch.batchId}/0/again`).view()).rejects.toMatchObject({ code: 'threadNotFound' });
  });
});

it('a schedule keeps the host of a target, and an odd name is refused', async () => {
  const id = `nightly-${randomUUID()}`;
  const create = (host: string) =>
    cli('schedule', 'create', id, '--cron', '0 2 * * *', '--repository', folder, '--host', host);
  expect(await create('odd name')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a host id has at most 63 lower-case letters') as string,
  });
  expect((await create('host-b')).code).toBe(0);
  const { batch } = await environment.bobbin.schedules.get(id).describe();
  expect(batch?.targets).toEqual([{ repository: folder, host: 'host-b' }]);
  await environment.bobbin.schedules.get(id).delete();
});
