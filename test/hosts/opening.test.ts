/** Threads that wait for a host which is known and away, before they are open. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { bobbinOver } from '../../src/client/bobbin.ts';
import { listRegistrations } from '../../src/client/hosts/hosts.ts';
import type { ThreadHandle } from '../../src/client/index.ts';
import { withDeadline } from '../../src/client/service.ts';
import type { StartThread, Workspace } from '../../src/contract/index.ts';
import { markMachine, openHostFile } from '../../src/folders/host-file.ts';
import { claimHost } from '../../src/worker/directories/host-directory.ts';
import { type TestEnvironment, itemsOf, openEnvironment, turn } from '../environment.ts';
import { runCli, startCli } from '../parts/run-cli.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_HOST: 'host-here' } });
});
afterAll(() => environment.close());

let hosts = 0;
let absent: { hostId: string; data: string };
beforeEach(async () => {
  absent = await registerAway(`host-${++hosts}`);
});

const fail = (line: string) => expect.unreachable(line);

/** A host as it is left by a worker that has ended. */
async function registerAway(hostId: string): Promise<typeof absent> {
  const data = join(environment.data, '..', hostId);
  mkdirSync(data, { mode: 0o700 });
  const { service } = environment.bobbin;
  await claimHost(service, { ...openHostFile(data), hostId, machine: markMachine() }, { say: fail });
  const known = async () => (await listRegistrations(service)).map((one) => one.hostId);
  await expect.poll(known, { timeout: 30_000 }).toContain(hostId);
  return { hostId, data };
}

const comesBack = () => environment.worker({ BOBBIN_HOST: absent.hostId, BOBBIN_DATA_DIR: absent.data });
const inFolder = (): Workspace => ({ cwd: environment.cwd, host: absent.hostId });
const inClone = (): Workspace => ({ repository: `file://${inject('repository')}`, host: absent.hostId });

/** A thread that waits for the host. */
async function waiting(workspace: Workspace, more: Partial<StartThread> = {}): Promise<ThreadHandle> {
  const thread = await environment.start({ workspace, ...more });
  await expect.poll(async () => (await thread.opening())?.waitsFor?.host, { timeout: 30_000 }).toBe(absent.hostId);
  return thread;
}

const cli = (...args: string[]) => runCli(args, environment);
const resultOf = ({ workflowId }: ThreadHandle): Promise<unknown> =>
  environment.bobbin.service.client.workflow.getHandle(workflowId).result();

describe('a thread that waits for its host', () => {
  it('is shown, listed and explained with the host, and since when', async () => {
    const before = Date.now();
    const thread = await waiting(inFolder());
    const { threadId } = thread;
    const { waitsFor } = (await thread.opening())!;
    expect(waitsFor?.since).toBeGreaterThanOrEqual(before - 2_000);
    const since = `host ${absent.hostId} since ${new Date(waitsFor!.since).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
    const { code, stdout } = await cli('thread', 'show', threadId);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `thread      ${threadId}: opening\nwaits for   ${since}; no worker serves it\n`,
    });
    const shown = await cli('thread', 'show', threadId, '--json');
    expect(JSON.parse(shown.stdout)).toEqual({ threadId, status: 'opening', waitsFor, hostStatus: 'away' });
    const listed = async () =>
      (await environment.bobbin.threads.list({ ask: true, ownQueue: true })).find((one) => one.threadId === threadId);
    await expect.poll(listed).toMatchObject({ status: 'opening', waitsFor: { who: 'bobbin', what: since } });
    const hasty = bobbinOver(withDeadline(environment.bobbin.service, 500));
    await expect(hasty.threads.get(threadId).view()).rejects.toThrow(`It waits for ${since}.`);
    await thread.close();
  });

  it.each([
    ['in a folder', inFolder],
    ['in a repository', inClone],
  ])('%s is closed at once, and its readers get the reason', async (_, workspace) => {
    const thread = await waiting(workspace());
    const submitted = turn('say: too late');
    await thread.submit(submitted);
    const read = expect(thread.completion(submitted.turnId)).rejects.toMatchObject({ code: 'threadRefused' });
    expect((await cli('thread', 'close', thread.threadId)).code).toBe(0);
    const reason = `Thread ${thread.threadId} cannot be opened: it was closed while it waited for its host.`;
    expect(await resultOf(thread)).toEqual({ status: 'refused', reason });
    await read;
    const shown = await cli('thread', 'show', thread.threadId);
    expect(shown).toMatchObject({ code: 6, stderr: expect.stringContaining(reason) as string });
  });

  it('ends when its workflow is cancelled', async () => {
    const thread = await waiting(inFolder());
    await environment.bobbin.service.client.workflow.getHandle(thread.workflowId).cancel();
    expect(await resultOf(thread)).toMatchObject({ status: 'refused' });
  });

  it('is opened by its host when that is back, without the turns that were interrupted', async () => {
    const thread = await waiting(inClone());
    const [first, second] = [turn('run: touch first'), turn('run: touch second')];
    await thread.submit(first);
    expect(await thread.interrupt({ turnId: first.turnId, reason: 'not needed' })).toEqual({ turnId: first.turnId });
    await expect(thread.interrupt({ turnId: 'unknown' })).rejects.toMatchObject({ code: 'turnNotActive' });
    await thread.submit({ ...second, onBusy: 'queue' });
    await comesBack();
    expect(await thread.completion(first.turnId)).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    expect(await thread.completion(second.turnId)).toMatchObject({ status: 'completed' });
    const ran = (await itemsOf(thread, 'commandExecution')).map(({ command }) => command);
    expect(ran).toEqual(['touch second']);
    expect(await thread.opening()).toBeNull();
  });

  it('lets the turn that came with its start be interrupted, too', async () => {
    const firstTurn = turn('run: touch first');
    const thread = await waiting(inFolder(), { firstTurn });
    expect(await thread.interrupt()).toEqual({ turnId: firstTurn.turnId });
    await comesBack();
    expect(await thread.completion(firstTurn.turnId)).toMatchObject({ status: 'aborted', reason: 'interrupted' });
    expect(await itemsOf(thread, 'commandExecution')).toEqual([]);
  });

  it('begins that turn before it handles the signals that came meanwhile', async () => {
    const [unwanted, wanted, replaced] = [turn('run: touch a'), turn('run: touch b'), turn('run: touch c')];
    const [queued, instead] = [turn('run: touch d', { onBusy: 'queue' }), turn('run: touch e')];
    const stopped = await waiting(inFolder(), { firstTurn: unwanted });
    await stopped.requestInterrupt({ turnId: unwanted.turnId, reason: 'not needed' });
    const followed = await waiting(inFolder(), { firstTurn: wanted });
    await followed.submit(queued);
    const changed = await waiting(inFolder(), { firstTurn: replaced });
    await changed.submit(instead);
    await comesBack();
    expect(await stopped.completion(unwanted.turnId)).toMatchObject({ status: 'aborted', detail: 'not needed' });
    expect(await changed.completion(replaced.turnId)).toMatchObject({ status: 'aborted', reason: 'replaced' });
    expect(await changed.completion(instead.turnId)).toMatchObject({ status: 'completed' });
    expect(await followed.completion(queued.turnId)).toMatchObject({ status: 'completed' });
    const ran = async (thread: ThreadHandle) =>
      (await itemsOf(thread, 'commandExecution')).map(({ command }) => command);
    expect(await Promise.all([stopped, followed, changed].map(ran))).toEqual([[], ['touch b', 'touch d'], ['touch e']]);
  });
});

it('bobbin run is left with Ctrl-C while its host is away', async () => {
  const { child, said, ended } = startCli(
    ['run', '--host', absent.hostId, '--cwd', environment.cwd, 'say: hi'],
    environment,
  );
  const threadId = () => /^thread (\S+)/m.exec(said.stdout)?.[1] ?? '';
  await expect.poll(threadId, { timeout: 30_000 }).not.toBe('');
  const thread = environment.bobbin.threads.get(threadId());
  await expect.poll(async () => (await thread.opening())?.waitsFor?.host, { timeout: 30_000 }).toBe(absent.hostId);
  child.kill('SIGINT');
  const ran = await ended;
  expect(ran.code).toBe(130);
  expect(ran.stdout).toContain(`interrupted; the thread still waits for host ${absent.hostId} since `);
  expect(ran.stdout).toMatch(new RegExp(`thread close ${thread.threadId}$`, 'm'));
  await thread.close();
});
