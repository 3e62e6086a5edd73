import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerTarget } from '../../activities/ports.ts';
import { createLedgerDirectory } from '../../src/worker/directories/ledger-directory.ts';
import { beginning, commit, record, seen, tracked } from '../../workflows/review-ledger/testing.ts';
import { assertHealthy, json, rawPayload, sendSignal } from '../parts/raw-client.ts';
import { runCli } from '../parts/run-cli.ts';
import { type TestEnvironment, openEnvironment } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment();
});
afterAll(() => environment.close());

const { signal } = new AbortController();

function newTarget(): LedgerTarget {
  return { targetId: `repo-main-${randomUUID()}`, target: { repository: '/srv/repo', branch: 'main' } };
}

function directory() {
  return createLedgerDirectory(environment.bobbin.service);
}

describe('the ledger of a target', () => {
  it('takes runs one at a time, and keeps what a person says of a finding', async () => {
    const target = newTarget();
    const ledgers = directory();
    // Any workflow that runs will do; one that has ended would be taken for lost.
    const other = newTarget();
    await ledgers.begin(other, beginning('r0', 'one'), signal);
    const { workflowId } = environment.bobbin.ledgers.get(other.targetId);
    expect(await ledgers.begin(target, beginning('r1', 'one', { workflowId }), signal)).toEqual({
      type: 'begun',
      anchor: null,
      full: true,
      known: [],
    });
    expect(await ledgers.begin(target, beginning('r2', 'one'), signal)).toEqual({
      type: 'busy',
      workflowId,
    });
    const first = record('r1', 'one', [
      seen('the result is not awaited'),
      seen('the file stays open', { location: null }),
    ]);
    const recorded = { counts: { new: 2, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 }, open: 2 };
    expect(await ledgers.record(target, first, signal)).toEqual(recorded);
    expect(await ledgers.record(target, first, signal)).toEqual(recorded);

    const ledger = environment.bobbin.ledgers.get(target.targetId);
    await ledger.dismiss({ findingId: 'f2', by: 'ann', why: 'it is closed by its owner' });
    await expect(ledger.dismiss({ findingId: 'f2', by: 'bob', why: 'who cares' })).rejects.toMatchObject({
      ...{ code: 'findingDismissed', message: expect.stringContaining('it is closed by its owner') as string },
    });
    const again = await ledgers.begin(target, beginning('r2', 'two'), signal);
    expect(again).toMatchObject({ type: 'begun', anchor: commit('one'), full: false });
    await ledgers.record(
      target,
      record('r2', 'two', [seen('the file stays open', { location: null })], {
        ...{ full: false, looked: ['a.ts'], tracked: [tracked('f1', null)] },
      }),
      signal,
    );
    const view = await ledger.view();
    expect(view.findings.map(({ findingId, state, change }) => ({ findingId, state, change }))).toEqual([
      { findingId: 'f1', state: 'fixed', change: 'fixed' },
      { findingId: 'f2', state: 'dismissed', change: 'dismissed' },
    ]);
    expect(view.findings[1]?.dismissal).toMatchObject({ by: 'ann', why: 'it is closed by its owner' });
    expect(view.runs.map(({ runId, open }) => ({ runId, open }))).toEqual([
      { runId: 'r1', open: 2 },
      { runId: 'r2', open: 0 },
    ]);
    await ledger.reopen({ findingId: 'f2', by: 'bob' });
    expect((await ledger.view()).findings[0]).toMatchObject({ findingId: 'f2', state: 'open', dismissal: null });
  });
});

describe('a ledger that anybody can send anything', () => {
  it('refuses what it cannot read, takes signals from a person, and continues', async () => {
    const target = newTarget();
    const ledgers = directory();
    await ledgers.begin(target, beginning('r1', 'one'), signal);
    const ledger = environment.bobbin.ledgers.get(target.targetId);
    const bad = [
      json(null),
      json({ findingId: 'f1' }),
      rawPayload('json/plain', '{'),
      json({ findingId: 'f9', by: 'a', why: 'b' }),
    ];
    for (const name of ['dismissFinding', 'reopenFinding', 'abandonRun', 'unheardOf']) {
      for (const payload of bad) await sendSignal(environment, ledger, name, payload);
    }
    await expect(ledgers.begin(target, beginning('', 'one'), signal)).rejects.toMatchObject({ code: 'internal' });
    await ledgers.record(target, record('r1', 'one', [seen('the result is not awaited')]), signal);
    await sendSignal(environment, ledger, 'dismissFinding', json({ findingId: 'f1', by: 'ann', why: 'by design' }));
    await sendSignal(environment, ledger, 'dismissFinding', json({ findingId: 'f1', by: 'bob', why: 'who cares' }));
    expect((await ledger.view()).findings[0]).toMatchObject({ state: 'dismissed', dismissal: { by: 'ann' } });
    await sendSignal(environment, ledger, 'reopenFinding', json({ findingId: 'f1', by: 'ann' }));
    expect((await ledger.view()).findings[0]).toMatchObject({ state: 'open' });
    await ledgers.begin(target, beginning('r2', 'two'), signal);
    await sendSignal(environment, ledger, 'abandonRun', json({ runId: 'r2', reason: 'stopped by hand' }));
    await expect(ledgers.record(target, record('r2', 'two', []), signal)).rejects.toMatchObject({
      code: 'reviewRunLost',
    });
    await assertHealthy(environment, ledger.workflowId);
  });

  it('ends at once where it was started for no target, and its place is free', async () => {
    const target = newTarget();
    const { workflowId } = environment.bobbin.ledgers.get(target.targetId);
    const { client } = environment.bobbin.service;
    const started = await client.workflow.start('reviewLedger', {
      workflowId,
      taskQueue: environment.taskQueue,
      args: ['x'],
    });
    expect(await started.result()).toMatchObject({ status: 'refused' });
    expect((await directory().begin(target, beginning('r1', 'one'), signal)).type).toBe('begun');
  });

  it('continues as new with all it knows', async () => {
    const target = newTarget();
    const ledgers = directory();
    await ledgers.begin(target, beginning('r1', 'one'), signal);
    await ledgers.record(target, record('r1', 'one', [seen('the result is not awaited')]), signal);
    const ledger = environment.bobbin.ledgers.get(target.targetId);
    const handle = environment.bobbin.service.client.workflow.getHandle(ledger.workflowId);
    const { runId } = await handle.describe();
    const before = await ledger.view();
    for (let n = 0; n < 500; n++)
      await sendSignal(environment, ledger, 'abandonRun', json({ runId: 'none', reason: '' }));
    await expect.poll(async () => (await handle.describe()).runId, { timeout: 20_000 }).not.toBe(runId);
    expect(await ledger.view()).toEqual(before);
    await assertHealthy(environment, ledger.workflowId);
  });
});

describe('bobbin ledger', () => {
  it('lists, shows, dismisses and reopens, for people and for programs', async () => {
    const target = newTarget();
    const ledgers = directory();
    await ledgers.begin(target, beginning('r1', 'one'), signal);
    await ledgers.record(target, record('r1', 'one', [seen('the result is not awaited')]), signal);
    const { targetId } = target;
    expect(await bobbin('show', targetId)).toEqual({
      code: 0,
      stdout: `${targetId}: /srv/repo main\n1 open, 0 dismissed, 0 fixed, after 1 run\n\nf1  P2  new  a.ts:1-1  the result is not awaited\n`,
      stderr: '',
    });
    const dismissed = await bobbin('dismiss', targetId, 'f1', '--why', 'by design', '--by', 'ann', '--json');
    expect(JSON.parse(dismissed.stdout)).toMatchObject({ findingId: 'f1', state: 'dismissed', by: 'ann' });
    expect((await bobbin('show', targetId, '--all')).stdout).toContain('dismissed by ann: by design');
    expect(await bobbin('dismiss', targetId, 'f1', '--why', 'who cares', '--by', 'bob')).toMatchObject({
      ...{ code: 6, stderr: expect.stringContaining('by design') as string },
    });
    expect((await bobbin('dismiss', targetId, 'f9', '--why', 'x')).code).toBe(6);
    expect((await bobbin('reopen', targetId, 'f1')).code).toBe(0);
    expect((await bobbin('reopen', targetId, 'f1')).code).toBe(6);
    expect((await bobbin('show', 'nowhere')).code).toBe(6);
    expect((await bobbin('dismiss', targetId, 'f1')).code).toBe(2);
    expect((await bobbin('show', targetId, '--runs')).stdout).toMatch(/everything {2}1 new, 1 open {2}r1\n$/);
    await expect
      .poll(async () => (await bobbin('list')).stdout, { timeout: 20_000 })
      .toContain(`${targetId}  /srv/repo main`);
  });
});

const bobbin = (...args: string[]) => runCli(['ledger', ...args], environment);
