import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSegmentStore } from '../../src/adapters/archive/open-archive.ts';
import { toSegmentFileName } from '../../src/adapters/archive/segment-file.ts';
import { openPackStore } from '../../src/adapters/git/packs/open-packs.ts';
import { toPackName } from '../../src/adapters/git/packs/pack-names.ts';
import { Failure } from '../../activities/failures.ts';
import type { StoreCleanerPort } from '../../activities/ports.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type CleaningScheduleView, toImageId } from '../../src/contract/index.ts';
import { type TestEnvironment, closeThread, itemsOf, openEnvironment, runTurn } from '../environment.ts';
import { runCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_CONTINUE_AFTER_EVENTS: '20', BOBBIN_IDENTITY_MODE: 'off' } });
});
afterAll(() => environment.close());

const place = () => ({ store: undefined, archiveDirectory: join(environment.data, 'archive') });
const store = (...args: string[]) => runCli(['store', ...args], environment);
const segmentsThere = () => readdirSync(join(environment.data, 'archive')).filter((name) => name.endsWith('.segment'));
const segmentsOf = ({ threadId }: { threadId: string }) =>
  segmentsThere().filter((name) => name.startsWith(`s-${threadId},`));

/** With a past in the archive. */
async function startLong(): Promise<ThreadHandle> {
  const thread = await environment.start();
  while (segmentsOf(thread).length === 0) await runTurn(thread, 'say: more');
  return thread;
}

const write = (...ids: string[]) =>
  Promise.all(ids.map((id) => openSegmentStore(place()).write(toSegmentFileName(id), Buffer.from('x'))));

/** Objects that must stay, and those that must go. */
async function fill() {
  const closed = await startLong();
  const fork = await environment.bobbin.threads.fork(closed.threadId);
  await fork.view();
  await closeThread(fork);
  await closeThread(closed);
  const due = [...segmentsOf(closed), ...segmentsOf(fork)];
  const open = await environment.start();
  await runTurn(open, 'spawn: say: done\ncall: wait_agent {}');
  const agent = environment.bobbin.threads.get(`${open.threadId}/1`);
  const { createdAt } = await agent.view();
  await closeThread(agent);
  const stays = [
    `${agent.threadId}/${createdAt}/0-4.1-9@${randomUUID()}`,
    `${open.threadId}/${(await open.view()).createdAt}/0-4.1-9`,
    `${closed.threadId}/12345/0-4.1-9`,
    `t-${randomUUID()}/12345/0-4.1-9`,
    toImageId('ab'.repeat(32)),
  ];
  await write(...stays);
  const namespace = environment.bobbin.service.namespace;
  const pack = { namespace, threadId: closed.threadId };
  await openPackStore(place()).write(toPackName(pack, 'a'.repeat(64)), Buffer.from('x'));
  return { closed, fork, due, stays: stays.map(toSegmentFileName) };
}

describe('bobbin store clean', () => {
  it('removes the packs of closed threads, and with --archive their segments; open ones are read as before', async () => {
    const { closed, fork, due, stays } = await fill();
    expect(due.some((name) => name.startsWith(`s-${fork.threadId},fork-`))).toBe(true);
    const items = await itemsOf(closed);
    const clean = async (...args: string[]) => {
      const { code, stdout, stderr } = await store('clean', '--closed-for', '0', '--json', ...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const segments = due.length;
    const kept = {
      'its thread, or the one that started it, is open': 2,
      'its thread is not known to have written it: another one with this id may have': 1,
      'the service does not know its thread': 1,
    };
    expect(await clean('--dry-run', '--archive')).toMatchObject({
      threads: 2,
      packs: 1,
      segments,
      kept,
      preview: true,
    });
    expect(await itemsOf(closed)).toEqual(items);
    expect(await clean()).toMatchObject({ threads: 1, packs: 1, segments: 0, kept: {} });
    expect(await clean('--archive', '--closed-for', '1')).toMatchObject({ threads: 0, segments: 0 });
    expect(await clean('--archive')).toMatchObject({ threads: 2, packs: 0, segments, kept });
    expect(segmentsThere().sort()).toEqual([...stays].sort());
    await expect(itemsOf(closed)).rejects.toMatchObject({ code: 'archiveMissing' });
    expect(await clean('--archive')).toMatchObject({ threads: 0, segments: 0, kept });
  });

  it('says what is wrong with its options, with 2, and that threads cannot be asked, with 5', async () => {
    for (const days of ['-1', '1.5', 'x']) expect((await store('clean', '--closed-for', days)).code).toBe(2);
    const env = { ...environment.env, BOBBIN_TASK_QUEUE: `bobbin-${randomUUID()}` };
    const unserved = await runCli(['store', 'clean', '--archive'], { env });
    expect(unserved).toMatchObject({ code: 5, stderr: expect.stringContaining('no worker serves') as string });
  });
});

describe('bobbin store schedule', () => {
  const view = async () => JSON.parse((await store('schedule', 'show', '--json')).stdout) as CleaningScheduleView;

  it('lets a worker remove what is due and keep the rest, and shows what was removed', async () => {
    const { closed, due, stays } = await fill();
    const before = segmentsThere().filter((name) => !due.includes(name));
    const create = ['schedule', 'create', '--cron', '0 3 29 2 *', '--timezone', 'europe/berlin', '--archive'];
    expect(await store(...create, '--closed-for', '30')).toMatchObject({ code: 0, stderr: '' });
    expect(await store(...create, '--closed-for', '0')).toMatchObject({ code: 0, stderr: '' });
    expect(await view()).toMatchObject({
      cron: ['0 3 29 2 *'],
      timezone: 'Europe/Berlin',
      cleaning: { closedForDays: 0, archive: true },
      runs: [],
    });
    expect(await store('schedule', 'trigger')).toMatchObject({ code: 0 });
    await expect.poll(async () => (await view()).runs[0]?.status, { timeout: 60_000 }).toBe('COMPLETED');
    const [run] = (await view()).runs;
    expect(run?.result).toMatchObject({ threads: 2, packs: 1, segments: due.length, more: false });
    expect(segmentsThere().sort()).toEqual(before.sort());
    expect(before).toEqual(expect.arrayContaining(stays));
    await expect(itemsOf(closed)).rejects.toMatchObject({ code: 'archiveMissing' });
    const { stdout } = await store('schedule', 'show');
    expect(stdout).toContain(`removed 1 pack and ${due.length} segments of 2 threads`);
    expect((await store('schedule', 'delete')).code).toBe(0);
    for (const action of ['show', 'trigger', 'delete']) expect((await store('schedule', action)).code).toBe(6);
  });

  it('says what is wrong with its options, with 2', async () => {
    const wrong = [
      ['--cron', '0 0 3 * * *'],
      ['--cron', 'every night'],
      ['--cron', '@daily', '--closed-for', '-1'],
      ['--cron', '@daily', '--closed-for', '99999999'],
      ['--cron', '@daily', '--timezone', 'Mars/Olympus'],
      [],
    ];
    for (const options of wrong) expect((await store('schedule', 'create', ...options)).code, String(options)).toBe(2);
    expect((await store('schedule', 'show')).code).toBe(6);
  });
});

describe('the workflow cleanStore', () => {
  let other: TestEnvironment;
  beforeAll(async () => {
    other = await openEnvironment({ worker: false });
  });
  afterAll(() => other.close());

  const pack = (objects: number, threadId = 'first') => ({
    kind: 'pack' as const,
    threadId,
    objects,
    bytes: 1,
    kept: null,
  });
  const start = () => {
    const workflowId = `clean-store/${randomUUID()}`;
    const args = [{ closedForDays: 30 }];
    return other.bobbin.service.client.workflow.start('cleanStore', { workflowId, taskQueue: other.taskQueue, args });
  };

  /** Removes one pack, then does nothing until it is stopped. */
  async function workUntilStopped() {
    const begun = new EventEmitter();
    const hasBegun = once(begun, 'begun');
    const worker = await other.worker(
      {},
      {
        cleaner: {
          async *clean(_cleaning, signal) {
            yield pack(1);
            begun.emit('begun');
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
          },
        },
      },
    );
    return { worker, hasBegun };
  }

  it('ends as cancelled when it is cancelled', async () => {
    const { worker, hasBegun } = await workUntilStopped();
    const handle = await start();
    await hasBegun;
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await worker.stop();
  });

  it('continues on another worker, counts what was removed before, and ends at its bound', async () => {
    const { worker, hasBegun } = await workUntilStopped();
    const handle = await start();
    await hasBegun;
    await worker.stop();
    let tries = 0;
    const cleaner: StoreCleanerPort = {
      async *clean() {
        if (++tries === 1) throw new Failure('storeUnavailable', 'The store is away.');
        yield pack(50_000, 'second');
        yield await Promise.resolve(pack(1, 'third'));
      },
    };
    await other.worker({}, { cleaner });
    expect(await handle.result()).toEqual({
      ...{ threads: 2, packs: 50_001, segments: 0, images: 0, bytes: 2, kept: {}, more: true },
    });
    expect(tries).toBe(2);
  });
});
