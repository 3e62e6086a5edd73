import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { decodeSegment, toSegmentFileName } from '../../src/adapters/archive/segment-file.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { type CleaningScheduleView, toImageId } from '../../src/contract/index.ts';
import { toSetAsideId } from '../../src/contract/plain/images/image-types.ts';
import { png } from '../../src/contract/test-images.ts';
import { findTemporalBinary } from '../../src/dev/temporal-service/obtain/binary.ts';
import { startTemporalService } from '../../src/dev/temporal-service/service.ts';
import type { TemporalService } from '../../src/dev/temporal-service/types.ts';
import { type TestEnvironment, closeThread, openEnvironment, runTurn, waitUntilListed } from '../environment.ts';
import { startHttpStand } from '../parts/http-server.ts';
import { runCli } from '../parts/run-cli.ts';

let folder: string;
let service: TemporalService;
let environment: TestEnvironment;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bobbin-images-'));
  const binary = await findTemporalBinary({ allowDownload: false });
  // Every thread of a namespace is read, so this test has a service of its own.
  service = await startTemporalService({ binary, dataDirectory: folder, ephemeral: true });
  const env = { BOBBIN_CONTINUE_AFTER_EVENTS: '20', BOBBIN_IDENTITY_MODE: 'off' };
  environment = await openEnvironment({ env, address: service.address });
});
afterAll(async () => {
  await environment.close();
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

const archive = () => join(environment.data, 'archive');
const store = (...args: string[]) => runCli(['store', ...args], environment);
const hasFile = (id: string) => readdirSync(archive()).includes(toSegmentFileName(id));

const HOUR_MS = 3_600_000;
function age(id: string, ms: number): void {
  const at = (Date.now() - ms) / 1_000;
  utimesSync(join(archive(), toSegmentFileName(id)), at, at);
}

let count = 0;
/** Stores a new image, as if that was 40 days ago. */
async function addOld() {
  const image = await environment.bobbin.images.store(png(30, 30 + (count += 1)));
  age(toImageId(image.sha256), 40 * 24 * HOUR_MS);
  return image;
}

type Image = Awaited<ReturnType<typeof addOld>>;

async function show(image: Image, thread?: ThreadHandle): Promise<ThreadHandle> {
  const shower = thread ?? (await environment.start());
  await runTurn(shower, '', { input: [{ type: 'text', text: 'see:' }, image] });
  return shower;
}

/** Whether the model sees it when the thread is asked. */
async function sees(thread: ThreadHandle, { sha256 }: Pick<Image, 'sha256'>): Promise<boolean> {
  const { lastAgentMessage } = await runTurn(thread, 'see:');
  return lastAgentMessage?.includes(sha256) ?? false;
}

/** A thread that has this image in its archive, and no longer in its history. */
async function showLongAgo(image: Image): Promise<ThreadHandle> {
  const thread = await show(image);
  const isArchived = async () => {
    const names = readdirSync(archive()).filter((name) => name.startsWith(`s-${thread.threadId},`));
    const bodies = await Promise.all(names.map((name) => decodeSegment(readFileSync(join(archive(), name)))));
    return bodies.some((body) => body?.includes(image.sha256));
  };
  const runs = async () => (await thread.view()).runCount;
  while (!(await isArchived())) await runTurn(thread, 'say: more');
  for (const before = await runs(); (await runs()) < before + 2;) await runTurn(thread, 'say: more');
  return thread;
}

const ASIDE = 'no thread refers to it: it is set aside, and goes with a cleaning that is half a day later';
const NAMED = 'a thread refers to it';
const JUST_STORED = 'it was stored a short time ago';

it('images that no thread refers to go with the second cleaning, and those of any thread stay', async () => {
  const [mine, archived, past, late, lost] = [
    await addOld(),
    await addOld(),
    await addOld(),
    await addOld(),
    await addOld(),
  ];
  const open = await show(mine);
  const long = await showLongAgo(archived);
  const closed = await show(past);
  await closeThread(closed);
  const cwd = environment.workspace();
  writeFileSync(join(cwd, 'plot.png'), png(7, 7));
  const viewer = await environment.start({ workspace: { cwd } });
  await runTurn(viewer, 'call: view_image {"path":"plot.png"}\nsee:');
  const [viewed = ''] = readdirSync(archive())
    .flatMap((name) => /^s-image,([0-9a-f]{64})/.exec(name)?.[1] ?? [])
    .filter((hash) => ![mine, archived, past, late, lost].some(({ sha256 }) => sha256 === hash));
  age(toImageId(viewed), 40 * 24 * HOUR_MS);
  await environment.bobbin.images.store(png(8, 8));

  const clean = async (...args: string[]) => {
    const { code, stdout, stderr } = await store('clean', '--images', '--json', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  await waitUntilListed(environment, open, long, closed, viewer);
  const first = { threads: 0, packs: 0, images: 0, kept: { [NAMED]: 4, [ASIDE]: 2, [JUST_STORED]: 1 } };
  expect(await clean('--dry-run')).toMatchObject(first);
  expect(hasFile(toImageId(lost.sha256))).toBe(true);
  expect(await clean()).toMatchObject(first);
  for (const { sha256 } of [late, lost]) {
    expect([hasFile(toImageId(sha256)), hasFile(toSetAsideId(sha256))]).toEqual([false, true]);
    age(toSetAsideId(sha256), 13 * HOUR_MS);
  }
  const shower = await show(late);
  expect(await sees(shower, late)).toBe(true);

  await waitUntilListed(environment, shower);
  // The next one is by a worker, as every night.
  await store('schedule', 'create', '--cron', '0 3 29 2 *', '--images');
  await store('schedule', 'trigger');
  const view = async () => JSON.parse((await store('schedule', 'show', '--json')).stdout) as CleaningScheduleView;
  await expect.poll(async () => (await view()).runs[0]?.status, { timeout: 60_000 }).toBe('COMPLETED');
  const { cleaning, runs } = await view();
  expect(cleaning).toEqual({ closedForDays: 30, images: true });
  expect(runs[0]?.result).toMatchObject({ images: 1, kept: { [NAMED]: 5, [JUST_STORED]: 1 } });
  const { stdout } = await store('schedule', 'show');
  expect(stdout).toContain('removed 0 packs and 0 segments of 0 threads, 1 image');
  expect(stdout).toContain('; images that no thread refers to');
  const http = await startHttpStand(environment.bobbin);
  onTestFinished(() => http.close());
  const path = '/v1/store/cleaning';
  expect(await (await http.client({ scopes: ['read'] })).get(path)).toMatchObject({ status: 200, value: await view() });
  expect(await (await http.client({ owner: 'ann' })).get(path)).toMatchObject({ status: 403 });
  await store('schedule', 'delete');
  expect(await (await http.client()).get(path)).toMatchObject({ status: 404, value: { code: 'scheduleNotFound' } });

  await expect(environment.bobbin.images.read(lost.sha256)).rejects.toMatchObject({ code: 'imageNotFound' });
  const fork = await environment.bobbin.threads.fork(long.threadId);
  const { thread: resumed } = await environment.bobbin.threads.resume(closed.threadId);
  for (const [thread, image] of [
    [open, mine],
    [long, archived],
    [fork, archived],
    [resumed, past],
    [shower, late],
    [viewer, { sha256: viewed }],
  ] as const)
    expect(await sees(thread, image), image.sha256).toBe(true);
});
