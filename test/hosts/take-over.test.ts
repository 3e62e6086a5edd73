/** Who may serve a host that is registered: its machine, also after a restart, and no copy of it. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRegistration } from '../../src/client/hosts/hosts.ts';
import { toHostWorkflowId } from '../../src/contract/plain/hosts.ts';
import { type MachineMark, markMachine, openHostFile } from '../../src/folders/host-file.ts';
import { claimHost } from '../../src/worker/directories/host-directory.ts';
import type { RunningWorker } from '../../src/worker/worker.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';
import { becomesServed } from './two-hosts.ts';

let environment: TestEnvironment;
// The registrations are workflows, so some worker has to be there.
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_HOST: 'host-other' } });
});
afterAll(() => environment.close());

let hosts = 0;
let hostId: string;
let data: string;
let worker: RunningWorker;
beforeEach(async () => {
  hostId = `host-${++hosts}`;
  data = join(environment.data, '..', hostId);
  mkdirSync(data, { mode: 0o700 });
  worker = await environment.worker({ BOBBIN_HOST: hostId, BOBBIN_DATA_DIR: data });
  await becomesServed(environment, hostId);
});

const here = markMachine();
const rebooted: MachineMark = { name: here.name, bootId: '11111111-2222-3333-4444-555555555555' };

/** What a worker on that machine does at its start, with the same data folder or a copy of it. */
function claim(machine: MachineMark, waitMs?: number, more: { hostId?: string; claimMs?: number } = {}) {
  const said: string[] = [];
  const { hostId: id = hostId, ...times } = more;
  const own = { ...openHostFile(data), hostId: id, machine };
  const say = (line: string) => void said.push(line);
  const done = claimHost(environment.bobbin.service, own, { say, ...(waitMs !== undefined && { waitMs }), ...times });
  done.catch(() => undefined);
  return { said, done };
}

const handle = () => {
  const { client, taskQueue } = environment.bobbin.service;
  return client.workflow.getHandle(toHostWorkflowId(taskQueue, hostId));
};
const registered = async () => readRegistration(await handle().describe());

describe('a host that a worker serves', () => {
  it('is served by further workers of its machine, and by containers of it, at once', async () => {
    for (const machine of [here, { ...here, name: 'a-container' }]) {
      const { said, done } = claim(machine, 0);
      await done;
      expect(said).toEqual([]);
    }
    expect((await registered())?.machine).toEqual(here);
  });

  it('is refused to a machine of its name with another boot id, with both named, after a wait that is explained', async () => {
    const { said, done } = claim(rebooted, 1_500);
    const [old, copy] = [here.bootId.slice(0, 8), '11111111'].map((boot) => `machine ${here.name} (boot ${boot})`);
    await expect(done).rejects.toThrow(
      `Host ${hostId} is registered by ${old}, which has a worker that serves it, so ${copy} cannot be it.`,
    );
    expect(said).toEqual([
      `Host ${hostId} is still served by a worker of ${old}. This is ${copy}: either the machine was restarted, or one of the two is a copy. Waiting until no worker serves the host.`,
    ]);
    expect((await registered())?.machine).toEqual(here);
  });

  it('is refused to a machine of another name without a wait', async () => {
    const { said, done } = claim({ name: 'another', bootId: rebooted.bootId });
    await expect(done).rejects.toThrow(`registered by machine ${here.name}, which has a worker that serves it`);
    expect(said).toEqual([]);
  });

  it('is taken over by its restarted machine once the former worker is no longer listed', async () => {
    const { said, done } = claim(rebooted);
    await expect.poll(() => said, { timeout: 30_000 }).toHaveLength(1);
    await worker.stop();
    await done;
    await expect.poll(async () => (await registered())?.machine, { timeout: 30_000 }).toEqual(rebooted);
    await claim(rebooted, 0).done;
  });

  it('is served by each worker of its restarted machine, whichever is the first', async () => {
    const { said, done } = claim(rebooted);
    await expect.poll(() => said, { timeout: 30_000 }).toHaveLength(1);
    await handle().signal('claimHost', { ...(await registered()), machine: rebooted });
    await done;
  });
});

describe('several machines with one data folder', () => {
  const machines = (count: number, name: (index: number) => string): MachineMark[] =>
    Array.from({ length: count }, (_, index) => ({ name: name(index), bootId: randomUUID() }));
  const ends = (claims: ReturnType<typeof claim>[]) => Promise.allSettled(claims.map(({ done }) => done));

  /** The machine that has the host, which every other one has named. */
  async function expectOne(asked: MachineMark[], claims: ReturnType<typeof claim>[], id: string): Promise<MachineMark> {
    const all = await ends(claims);
    const won = asked.filter((_, index) => all[index]?.status === 'fulfilled');
    expect(won).toHaveLength(1);
    const [winner = here] = won;
    const reasons = all.flatMap((end) => (end.status === 'rejected' ? [String(end.reason)] : []));
    for (const reason of reasons) {
      expect(reason).toMatch(new RegExp(`Host ${id} is registered by machine ${winner.name}`));
      expect(reason).toContain('which has claimed it a moment ago');
    }
    return winner;
  }

  it('that find its worker gone take it over once, as it was, and the others name the one that did', async () => {
    await handle().signal('drainHost', true);
    await expect.poll(async () => (await registered())?.draining, { timeout: 30_000 }).toBe(true);
    const before = await registered();
    const asked = machines(6, () => here.name);
    const claims = asked.map((machine) => claim(machine, 20_000));
    await expect.poll(() => claims.map(({ said }) => said.length), { timeout: 30_000 }).toEqual(Array(6).fill(1));
    await worker.stop();
    const machine = await expectOne(asked, claims, hostId);
    expect(await registered()).toEqual({ ...before, machine });
    await handle().terminate('by a machine that ended before it had registered');
    const [next = here] = machines(1, () => 'next');
    await claim(next, 0).done;
    expect(await registered()).toEqual({ ...before, machine: next });
  });

  it('that start in the same moment register it once, and the others name the one that did', async () => {
    const id = `${hostId}-new`;
    const asked = machines(6, (index) => `machine-${index}`);
    const claims = asked.map((machine) => claim(machine, 5_000, { hostId: id }));
    const winner = await expectOne(asked, claims, id);
    const waiting = `Host ${id} was claimed a moment ago by machine ${winner.name}, which does not serve it yet. Waiting to see whether it does.`;
    const lost = claims.filter((_, index) => asked[index] !== winner);
    expect(lost.map(({ said }) => said)).toEqual(Array(5).fill([waiting]));
    // It has never served the host.
    const [next = here] = machines(1, () => 'next');
    await claim(next, 0, { hostId: id, claimMs: 0 }).done;
    await expect(claim(winner, 0, { hostId: id }).done).rejects.toThrow(`Host ${id} is registered by machine next`);
  });
});
