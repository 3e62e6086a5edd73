/** Forty threads on two hosts, of which one is killed at a random moment and comes back, and the other one does not. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import type { Item, ThreadEvent, TurnCompletion } from '../../src/contract/index.ts';
import { type TestEnvironment, eventsSoFar, itemsOf, turn } from '../environment.ts';
import { gaps, itemViolations } from '../kill/checks.ts';
import { createRandom } from '../kill/random.ts';
import type { WorkerChild } from '../kill/worker-child.ts';
import { type TestHost, type TwoHosts, canMakeHosts, makeRepositoryOn, openHostsAlone } from './two-hosts.ts';

const EACH = 10;
const COMMANDS = 3;
const SEED = Number(process.env['HOSTS_SEED'] ?? Date.now() % 1_000_000);

let environment: TestEnvironment;
let hosts: TwoHosts;
vi.setConfig({ testTimeout: 420_000 });

let close: () => Promise<void>;
beforeAll(async () => {
  ({ environment, hosts, close } = await openHostsAlone());
});
afterAll(() => close());

interface Worked {
  thread: ThreadHandle;
  turnIds: string[];
  /** Its first host; undefined if it may work on any. */
  host: TestHost | undefined;
}

describe.runIf(canMakeHosts())(`forty threads on two hosts (HOSTS_SEED=${SEED})`, () => {
  const start = (host: TestHost): Promise<WorkerChild> =>
    host.start({ BOBBIN_ARCHIVE_DIR: join(environment.data, 'archive'), BOBBIN_HOST_GRACE: '30' });
  const open = async (host: TestHost | undefined, cwd: string): Promise<Worked> => {
    const workspace =
      host === undefined ? { repository: `file://${inject('repository')}` } : { cwd, host: host.hostId };
    return { thread: await environment.start({ workspace, approvalPolicy: 'never' }), turnIds: [], host };
  };
  /** A file that only this thread writes, one line for each command. */
  const fileOf = ({ thread }: Worked) => `by-${thread.threadId}`;
  const submit = async (worked: Worked, isHeld = false): Promise<void> => {
    const { thread, turnIds } = worked;
    const pause = (number: number) =>
      isHeld && number === COMMANDS - 1 ? 'until [ -e never ]; do sleep 0.3; done' : 'sleep 0.3';
    const line = (number: number) => `run: echo ${turnIds.length}-${number} >> ${fileOf(worked)}; ${pause(number)}`;
    const next = turn(Array.from({ length: COMMANDS }, (_, number) => line(number)).join('\n'));
    turnIds.push(next.turnId);
    await thread.submit(next);
  };
  const endOf = ({ thread, turnIds }: Worked): Promise<TurnCompletion> => thread.completion(turnIds.at(-1) ?? '');
  const isBegun = ({ thread, host }: Worked) =>
    host !== undefined && existsSync(join(host.files, 'forty', `by-${thread.threadId}`));

  /** On the host that does not come back. */
  const isAgain = (worked: Worked) =>
    worked.host === hosts.b && readFileSync(join(hosts.b.files, 'forty', fileOf(worked)), 'utf8').includes('1-');

  it('lose nothing and do nothing twice', async () => {
    const random = createRandom(SEED);
    let first = await start(hosts.a);
    const second = await start(hosts.b);
    const cwd = makeRepositoryOn(hosts.a, hosts, 'forty');
    makeRepositoryOn(hosts.b, hosts, 'forty');
    const places = [hosts.a, hosts.b, undefined, undefined];
    const all = await Promise.all(places.flatMap((host) => Array.from({ length: EACH }, () => open(host, cwd))));

    await Promise.all(all.map((worked) => submit(worked)));
    const until = random.between(1, EACH);
    await expect.poll(() => all.filter(isBegun).length, { interval: 5, timeout: 60_000 }).toBeGreaterThanOrEqual(until);
    await first.kill();
    first = await start(hosts.a);
    expect((await Promise.all(all.map(endOf))).map(({ status }) => status)).toEqual(all.map(() => 'completed'));

    // No turn on the host that is killed ends before.
    const hostsOfAll = await Promise.all(all.map(async ({ thread }) => (await thread.view()).settings.host));
    await Promise.all(all.map((worked, index) => submit(worked, hostsOfAll[index] === hosts.b.hostId)));
    await expect.poll(() => all.filter(isAgain).length, { interval: 5, timeout: 60_000 }).toBeGreaterThanOrEqual(until);
    await second.kill();
    const ends = await Promise.all(all.map(endOf));
    const expected = all.map(({ host }) =>
      host === hosts.b ? { status: 'failed', error: { code: 'hostAway' } } : { status: 'completed' },
    );
    expect(ends).toMatchObject(expected);
    const now = await Promise.all(all.map(async ({ thread }) => (await thread.view()).settings));
    for (const [index, { host }] of all.entries()) expect(now[index]?.host).toBe(host?.hostId ?? 'host-a');

    const wrong = await Promise.all(all.map((one, index) => findWrong(one, now[index]?.cwd ?? '')));
    expect(wrong.flat()).toEqual([]);
    await first.stop();
  });

  async function findWrong(worked: Worked, cwd: string): Promise<string[]> {
    const { thread, turnIds, host } = worked;
    const events = await eventsSoFar(thread);
    const items = await itemsOf(thread);
    const path = host === undefined ? cwd : join(host.files, 'forty');
    const file = join(path, fileOf(worked));
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    // What a command wrote after the newest stored snapshot stays on the host that was lost, as the receipt says.
    const isKept = !events.some(({ type }) => type === 'workspace/moved');
    const found = [...gaps(events), ...itemViolations(events, items), ...turnIds.flatMap((id) => endsOf(events, id))];
    return [...found, ...linesOf(items, lines, isKept)].map((what) => `${thread.threadId}: ${what}`);
  }
});

function endsOf(events: readonly ThreadEvent[], turnId: string): string[] {
  const ends = events.filter((event) => event.type === 'turn/completed' && event.turn.turnId === turnId);
  return ends.length === 1 ? [] : [`turn ${turnId} has ${ends.length} terminal events`];
}

/** A line is never written twice, and once for a command that has completed, if its files are kept. */
function linesOf(items: readonly Item[], lines: readonly string[], isKept: boolean): string[] {
  return items.flatMap((item) => {
    if (item.type !== 'commandExecution') return [];
    const [, line = ''] = /echo (\S+)/.exec(item.command) ?? [];
    const written = lines.filter((each) => each === line).length;
    if (written > 1) return [`${line} was written ${written} times`];
    return isKept && item.status === 'completed' && written === 0
      ? [`${line} is missing, and its command has completed`]
      : [];
  });
}
