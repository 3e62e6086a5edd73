import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LedgerTarget } from '../activities/ports.ts';
import { createLedgerDirectory } from '../src/client/ledger-directory.ts';
import { beginning, commit, record, seen } from '../workflows/review-ledger/testing.ts';
import { type Stand, openStand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand();
});
afterAll(() => stand.close());

const { signal } = new AbortController();

function newTarget(): LedgerTarget {
  return { targetId: `repo-main-${randomUUID()}`, target: { repository: '/srv/repo', branch: 'main' } };
}

function directory() {
  return createLedgerDirectory(stand.bobbin.service);
}

describe('the ledger of a target', () => {
  it('takes runs one at a time, and keeps what a person says of a finding', async () => {
    const target = newTarget();
    const ledgers = directory();
    expect(await ledgers.begin(target, beginning('r1', 'one'), signal)).toEqual({
      type: 'begun',
      anchor: null,
      full: true,
      known: [],
    });
    expect(await ledgers.begin(target, beginning('r2', 'one'), signal)).toEqual({
      type: 'busy',
      workflowId: 'batch-review/r1',
    });
    const first = record('r1', 'one', [
      seen('the result is not awaited'),
      seen('the file stays open', { location: null }),
    ]);
    const recorded = { counts: { new: 2, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 }, open: 2 };
    expect(await ledgers.record(target, first, signal)).toEqual(recorded);
    expect(await ledgers.record(target, first, signal)).toEqual(recorded);

    const ledger = stand.bobbin.ledgers.get(target.targetId);
    await ledger.dismiss({ findingId: 'f2', by: 'ann', why: 'it is closed by its owner' });
    const again = await ledgers.begin(target, beginning('r2', 'two'), signal);
    expect(again).toMatchObject({ type: 'begun', anchor: commit('one'), full: false });
    await ledgers.record(
      target,
      record('r2', 'two', [seen('the file stays open', { location: null })], { full: false, looked: ['a.ts'] }),
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
