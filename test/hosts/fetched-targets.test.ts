/** Targets of batches that a host has fetched, and that host is lost in the middle of the review. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BatchHandle } from '../../src/client/index.ts';
import type { BatchRow } from '../../src/contract/index.ts';
import type { TestEnvironment } from '../environment.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { makeRepository } from '../parts/repositories.ts';
import { type SilentModel, isUnderWay, startSilentModel } from './lost-reviews.ts';
import { GRACE, type TestHost, type TwoHosts, becomesServed, canMakeHosts, openHostsAlone } from './two-hosts.ts';

// Hosts that are gone are waited for.
vi.setConfig({ testTimeout: 300_000 });

let environment: TestEnvironment;
let hosts: TwoHosts;
let close: () => Promise<void>;
let silent: SilentModel;
let url: string;
beforeEach(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
  silent = await startSilentModel();
  modelOf = { silent: { BOBBIN_OFFLINE_MODEL_URL: silent.url }, answering: {} };
  const made = makeRepository(join(environment.data, '..', 'fetched'), { 'a.ts': 'one\n// TODO: two\n' });
  url = `file://${made}`;
});
afterEach(async () => {
  silent.close();
  await close();
});

let modelOf: Record<'silent' | 'answering', Record<string, string>>;
async function start(host: TestHost, model: 'silent' | 'answering'): Promise<WorkerChild> {
  const archive = { BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive') };
  const worker = await host.start({ BOBBIN_HOST_GRACE: GRACE, ...archive, ...modelOf[model] });
  await becomesServed(environment, host.hostId);
  return worker;
}

const review = (host?: string) =>
  environment.bobbin.batches.start({ targets: [host === undefined ? { repository: url } : { repository: url, host }] });

/** Until the model of the review is asked, in the thread with that id. */
const asked = (threadId: string) => isUnderWay(environment, threadId);

async function rowOf(batch: BatchHandle): Promise<BatchRow['outcome']> {
  for await (const { outcome } of batch.rows()) return outcome;
  throw new Error('The batch has no row');
}
const hostOf = async (threadId: string) => (await environment.bobbin.threads.get(threadId).view()).settings.host;
const fetchedOn = ({ data }: TestHost): string[] => {
  const folder = join(`${data}-workspaces`, 'targets');
  return existsSync(folder) ? readdirSync(folder) : [];
};

describe.runIf(canMakeHosts())('a target that a host has fetched', () => {
  it('is fetched and reviewed by another one if that is lost in the middle, and recorded once', async () => {
    const worker = await start(hosts.a, 'silent');
    const batch = await review();
    await asked(`${batch.batchId}/0`);
    expect(fetchedOn(hosts.a)).not.toEqual([]);
    await start(hosts.b, 'answering');
    await worker.kill();
    await batch.follow();
    expect(await rowOf(batch)).toMatchObject({ status: 'reviewed', full: true, counts: { new: 1, fixed: 0 } });
    const { targets } = await batch.record();
    expect(targets[0]?.ledger).toMatchObject({ running: null, runs: [{ counts: { new: 1 } }] });
    expect(targets[0]?.ledger?.findings).toHaveLength(1);
    expect([await hostOf(`${batch.batchId}/0`), await hostOf(`${batch.batchId}/0/again`)]).toEqual([
      'host-a',
      'host-b',
    ]);
    expect(fetchedOn(hosts.b)).not.toEqual([]);
    const next = await review();
    await next.follow();
    expect(await rowOf(next)).toMatchObject({ status: 'skipped', reason: 'alreadyReviewed' });
  });

  it('fails with the reason if that one is lost, too, and the next batch reviews it', async () => {
    const first = await start(hosts.a, 'silent');
    const batch = await review();
    await asked(`${batch.batchId}/0`);
    const second = await start(hosts.b, 'silent');
    await first.kill();
    await asked(`${batch.batchId}/0/again`);
    await start(hosts.another('host-c'), 'answering');
    await second.kill();
    await batch.follow().catch(() => undefined);
    expect(await rowOf(batch)).toMatchObject({
      ...{ status: 'failed', code: 'hostAway' },
      message: expect.stringContaining('Host host-b was lost: ') as string,
    });
    const next = await review();
    await next.follow();
    expect(await rowOf(next)).toMatchObject({ status: 'reviewed', counts: { new: 1 } });
  });

  it('fails with the reason if no other host may fetch it', async () => {
    const worker = await start(hosts.a, 'silent');
    const batch = await review('host-a');
    await asked(`${batch.batchId}/0`);
    await start(hosts.b, 'answering');
    await worker.kill();
    await batch.follow().catch(() => undefined);
    const message = expect.stringMatching(
      /^Host host-a was lost: .* It could not be tried again: .*: host-a \(does not answer/,
    ) as string;
    expect(await rowOf(batch)).toMatchObject({ status: 'failed', code: 'hostAway', message });
    expect(fetchedOn(hosts.b)).toEqual([]);
  });

  it('is reviewed on the host that it names if that is back in time', async () => {
    const worker = await start(hosts.a, 'silent');
    const batch = await review('host-a');
    await asked(`${batch.batchId}/0`);
    await start(hosts.b, 'answering');
    await worker.kill();
    await start(hosts.a, 'answering');
    await batch.follow();
    expect(await rowOf(batch)).toMatchObject({ status: 'reviewed', counts: { new: 1 } });
    expect(fetchedOn(hosts.b)).toEqual([]);
  });
});
