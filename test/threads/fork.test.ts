import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ThreadHandle } from '../../src/client/index.ts';
import { toWorkflowId } from '../../src/contract/index.ts';
import { askedFor, conversationOf, lastAsked, lastAskedApart } from '../parts/model-requests.ts';
import { json, startRaw } from '../parts/raw-client.ts';
import {
  type TestEnvironment,
  closeThread,
  eventsSoFar,
  itemsOf,
  openEnvironment,
  runTurn,
  turn,
  waitForEvent,
  waitForRequest,
} from '../environment.ts';

async function everythingOf(thread: ThreadHandle) {
  return { view: await thread.view(), items: await itemsOf(thread), events: await eventsSoFar(thread) };
}

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ requireAssertion: true, env: { BOBBIN_CONTINUE_AFTER_EVENTS: '60' } });
});
afterAll(() => environment.close());

const fork = (source: ThreadHandle, options = {}) => environment.bobbin.threads.fork(source.threadId, options);

describe('a fork', () => {
  it('has the past of its source, asks the model what that would have, and leaves it untouched', async () => {
    const source = await environment.start({ title: 'mine', instructions: 'Be brief.' });
    await runTurn(source, 'run: echo one\nsay: done');
    await runTurn(source, 'say: two');
    const before = await everythingOf(source);
    const forked = await fork(source);
    expect(await itemsOf(forked)).toEqual(before.items);
    expect(await forked.view()).toMatchObject({
      forkedFrom: { threadId: source.threadId, turnId: before.items.at(-1)?.turnId },
      settings: { ...before.view.settings, title: '' },
      status: 'idle',
      itemCount: before.items.length,
      usage: { totalTokens: 0 },
      turnCount: 0,
    });
    await Promise.all([runTurn(forked, 'say: three'), runTurn(source, 'say: three')]);
    expect(lastAskedApart(environment.model, forked.threadId)).toEqual(
      lastAskedApart(environment.model, source.threadId),
    );
    expect((await itemsOf(source)).slice(0, before.items.length)).toEqual(before.items);
    expect((await eventsSoFar(source)).slice(0, before.events.length)).toEqual(before.events);
  });

  it('says first that it was started and from where, counts its events from 1 and its items on', async () => {
    const source = await environment.start();
    await runTurn(source, 'say: one');
    const forked = await fork(source, { firstTurn: turn('say: two', { turnId: 'first-of-fork' }) });
    await forked.completion('first-of-fork');
    const events = await eventsSoFar(forked);
    expect(events[0]).toMatchObject({ seq: 1, type: 'thread/started', forkedFrom: { threadId: source.threadId } });
    expect(events.filter(({ type }) => type === 'thread/started')).toHaveLength(1);
    const items = await itemsOf(forked);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `item_${index}`));
  });

  it('has its own agent task, and none of what was accepted for the session', async () => {
    const source = await environment.start({ approvalPolicy: 'untrusted' });
    const asking = turn('run: touch accepted');
    await source.submit(asking);
    const { requestId } = await waitForRequest(source);
    await source.resolve({ requestId, decision: 'acceptForSession' });
    await source.completion(asking.turnId);
    const forked = await fork(source);
    const again = turn('run: touch accepted');
    await forked.submit(again);
    expect((await waitForRequest(forked)).type).toBe('commandExecution');
    const tasks = [
      await waitForEvent(source, 'agentTask/registered'),
      await waitForEvent(forked, 'agentTask/registered'),
    ];
    expect(new Set(tasks.map(({ taskId }) => taskId)).size).toBe(2);
    expect(new Set(tasks.map(({ agentRuntimeId }) => agentRuntimeId)).size).toBe(1);
    await forked.interrupt();
  });

  it('from a turn in the middle leaves out what came later; both sides then go their own ways', async () => {
    const source = await environment.start();
    const first = await runTurn(source, 'say: common');
    await runTurn(source, 'say: only here');
    const forked = await fork(source, { turnId: first.turnId });
    await runTurn(forked, 'say: only there');
    await runTurn(source, 'say: and on');
    const [there, here] = [forked, source].map((one) =>
      JSON.stringify(lastAsked(environment.model, one.threadId).input),
    );
    expect(there).toMatch(/say: common.*say: only there/);
    expect(there).not.toContain('only here');
    expect(here).toMatch(/say: common.*say: only here.*say: and on/);
    expect(here).not.toContain('only there');
  });

  it('of a turn in progress cuts it off with the marker, and the source continues', async () => {
    const source = await environment.start();
    const slow = turn('say: beginning\nrun: until [ -e go-on ]; do sleep 0.05; done\nsay: end');
    await source.submit(slow);
    await waitForEvent(source, 'item/started', ({ item }) => item.type === 'commandExecution');
    await source.startTurn(turn('say: later', { onBusy: 'queue' }));
    const forked = await fork(source);
    expect((await itemsOf(forked)).slice(-2)).toMatchObject([
      { type: 'commandExecution', status: 'aborted' },
      { type: 'turnAborted', turnId: slow.turnId },
    ]);
    expect(await forked.view()).toMatchObject({ status: 'idle', queuedTurns: [], activeTurn: null });
    await runTurn(forked, 'say: what now');
    expect(JSON.stringify(lastAsked(environment.model, forked.threadId).input)).toContain('<turn_aborted>');
    writeFileSync(join(environment.cwd, 'go-on'), '');
    expect(await source.completion(slow.turnId)).toMatchObject({ status: 'completed' });
  });

  it('of a fork of a long thread, archived and compacted, has the same past; a second one is the same', async () => {
    const source = await environment.start();
    for (let i = 0; i < 15; i++) await runTurn(source, `say: turn ${i}`);
    expect((await source.view()).runCount).toBeGreaterThan(1);
    await runTurn(source, '', { kind: 'compact', input: [] });
    const last = await runTurn(source, 'say: after');
    const forked = await fork(source);
    const again = await fork(forked, { turnId: last.turnId });
    expect(await itemsOf(again)).toEqual(await itemsOf(source));
    expect((await again.view()).forkedFrom).toEqual({ threadId: forked.threadId, turnId: last.turnId });
    for (const one of [source, forked, again]) await runTurn(one, 'say: and now');
    const asked = lastAskedApart(environment.model, source.threadId);
    expect(asked.input.filter(({ type }) => type === 'compaction')).toHaveLength(1);
    expect(asked.input.filter(({ role }) => role === 'assistant')).toHaveLength(1);
    expect(lastAskedApart(environment.model, forked.threadId)).toEqual(asked);
    expect(lastAskedApart(environment.model, again.threadId)).toEqual(asked);
    for (let i = 0; i < 8; i++) await runTurn(again, `say: further ${i}`);
    expect((await again.view()).runCount).toBeGreaterThan(1);
    const items = await itemsOf(again);
    expect(items.map(({ id }) => id)).toEqual(items.map((_, index) => `item_${index}`));
  });

  it('of a closed thread, and of one that was terminated, has its past', async () => {
    const source = await environment.start();
    await runTurn(source, 'say: one');
    const items = await itemsOf(source);
    await closeThread(source);
    expect(await itemsOf(await fork(source))).toEqual(items);
    await environment.bobbin.threads.resume(source.threadId);
    await environment.bobbin.service.client.workflow.getHandle(source.workflowId).terminate();
    const forked = await fork(source, { model: 'another' });
    expect(await itemsOf(forked)).toEqual(items);
    expect((await forked.view()).settings.model).toBe('another');
  });

  it('knows the turns that it took over, and undoes them without touching files', async () => {
    const source = await environment.start();
    const made = await runTurn(source, 'run: echo made > made-by-source');
    const forked = await fork(source);
    await forked.startTurn(turn('say: again', { turnId: made.turnId }));
    expect((await forked.view()).turnCount).toBe(0);
    const undo = turn('', { kind: 'undo', input: [] });
    await forked.submit(undo);
    expect(await forked.completion(undo.turnId)).toMatchObject({ status: 'completed' });
    expect(existsSync(join(environment.cwd, 'made-by-source'))).toBe(true);
    expect((await itemsOf(forked)).at(-1)).toMatchObject({ type: 'turnsDropped', dropped: [made.turnId], files: null });
    await runTurn(forked, 'say: fresh');
    const told = conversationOf(lastAsked(environment.model, forked.threadId));
    expect(JSON.stringify(told)).not.toContain('made-by-source');
  });
});

describe('a fork with its own work tree', () => {
  const shown = (cwd: string, file: string) => readFileSync(join(cwd, file), 'utf8');

  it('begins with the files as they were after the turn, and neither side sees what the other then does', async () => {
    const source = await environment.start();
    const first = await runTurn(source, 'run: echo one > tree-file');
    await runTurn(source, 'run: echo two > tree-file');
    const forked = await fork(source, { turnId: first.turnId, files: 'worktree' });
    const { cwd } = (await forked.view()).settings;
    expect(cwd.startsWith(join(`${environment.data}-workspaces`, 'worktrees'))).toBe(true);
    expect(shown(cwd, 'tree-file')).toBe('one\n');
    expect(await runTurn(forked, 'run: pwd && echo three > tree-file')).toMatchObject({
      lastAgentMessage: expect.stringContaining(cwd) as string,
    });
    expect(shown(cwd, 'tree-file')).toBe('three\n');
    expect(shown(environment.cwd, 'tree-file')).toBe('two\n');
    const memo = async () =>
      (await environment.bobbin.service.client.workflow.getHandle(forked.workflowId).describe()).memo;
    expect(await memo()).toMatchObject({ cwd });
    while ((await forked.view()).runCount === 1) await runTurn(forked, 'say: more');
    expect(await memo()).toMatchObject({ cwd });
  });

  it('begins with the files as they are where nothing came later, at the path that is given', async () => {
    const source = await environment.start();
    await runTurn(source, 'run: echo now > tree-now');
    const path = join(environment.data, '..', `tree-${randomUUID()}`);
    const forked = await fork(source, { files: 'worktree', cwd: path });
    expect((await forked.view()).settings.cwd).toBe(path);
    expect(shown(path, 'tree-now')).toBe('now\n');
    expect(execFileSync('git', ['worktree', 'list'], { cwd: environment.cwd, encoding: 'utf8' })).toContain(path);
  });
});

describe('a fork that is asked for twice under one id', () => {
  it('is one thread, also if it is closed by then, for the same turn and owner', async () => {
    const source = await environment.start();
    const first = turn('say: one');
    await runTurn(source, 'say: zero');
    await source.startTurn(first);
    await source.completion(first.turnId);
    const threadId = `fork-${randomUUID()}`;
    const forked = await fork(source, { threadId, turnId: first.turnId });
    await runTurn(forked, 'say: mine');
    const { lastSeq } = await forked.view();
    const again = await fork(source, { threadId, turnId: first.turnId });
    expect(await again.view()).toMatchObject({ lastSeq, forkedFrom: { turnId: first.turnId } });
    const taken = { code: 'threadExists', message: expect.stringContaining(threadId) as string };
    await expect(fork(source, { threadId })).rejects.toMatchObject(taken);
    const other = await environment.start();
    await expect(fork(other, { threadId, turnId: first.turnId })).rejects.toMatchObject(taken);
    const plain = await environment.start();
    await expect(fork(source, { threadId: plain.threadId })).rejects.toMatchObject({ code: 'threadExists' });
    await closeThread(forked);
    expect((await (await fork(source, { threadId, turnId: first.turnId })).view()).status).toBe('closed');
  });

  it('is refused if the first one belongs to somebody else', async () => {
    const threadId = `fork-${randomUUID()}`;
    const source = await environment.start();
    await runTurn(source, 'say: one');
    const workspace = { cwd: environment.cwd };
    const owned = { threadId, workspace, fork: { threadId: source.threadId } };
    await environment.bobbin.threads.start(owned, { owner: 'alice' });
    await expect(fork(source, { threadId })).rejects.toMatchObject({ code: 'threadExists' });
  });
});

describe('what cannot be forked', () => {
  it('is a thread that never was, a turn that it never had, and one that only waits', async () => {
    await expect(environment.bobbin.threads.fork('no-such-thread')).rejects.toMatchObject({ code: 'threadNotFound' });
    const source = await environment.start();
    const slow = turn('run: sleep 600');
    await source.submit(slow);
    await waitForEvent(source, 'item/started', ({ item }) => item.type === 'commandExecution');
    const waits = turn('say: later', { onBusy: 'queue' });
    await source.startTurn(waits);
    for (const turnId of ['never', waits.turnId]) {
      await expect(fork(source, { turnId })).rejects.toMatchObject({
        code: 'threadRefused',
        message: expect.stringContaining(`has no turn ${turnId}`) as string,
      });
    }
    await source.interrupt();
  });

  it('is told to a raw client as the result of the workflow', async () => {
    const threadId = `raw-${randomUUID()}`;
    const workspace = { cwd: environment.cwd };
    await startRaw(
      environment,
      toWorkflowId(threadId),
      json({ threadId, workspace, fork: { threadId: 'no-such-thread' } }),
    );
    const result: unknown = await environment.bobbin.service.client.workflow.getHandle(toWorkflowId(threadId)).result();
    expect(result).toMatchObject({ status: 'refused', reason: expect.stringContaining('no-such-thread') as string });
    expect(askedFor(environment.model, threadId)).toEqual([]);
  });
});
