import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BatchTarget, RowOutcome, Spent, StartBatch } from '../../src/contract/index.ts';
import {
  type BatchState,
  begin,
  cancel,
  end,
  finish,
  indexesOf,
  isInVain,
  newBatch,
  next,
  settle,
  toRowsPage,
  toView,
} from './batch.ts';

const targetsOf = (count: number): BatchTarget[] =>
  Array.from({ length: count }, (_, index) => ({ repository: `/repos/${index}` }));
const batchOf = (count: number, settings: Partial<StartBatch> = {}) =>
  newBatch('b', { targets: targetsOf(count), ...settings }, 0);
const spentOf = (tokens: number): Spent => ({ tokens, costMicroUsd: tokens * 10, steps: 1, wallMs: 5 });
const NO_COUNTS = { new: 0, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 };
const reviewed = (tokens: number): RowOutcome => ({
  ...{ status: 'reviewed', base: 'a', head: 'b', full: true, counts: { ...NO_COUNTS, new: 1 } },
  ...{ filesLeftOut: 0, spent: spentOf(tokens) },
});
const failed: RowOutcome = { status: 'failed', code: 'gitFailed', message: 'x'.repeat(5_000), spent: null };

/** Begins every review that may begin at that time. */
function fill(state: BatchState, at: number): BatchState {
  for (let current = settle(state); ;) {
    const step = next(current, at);
    if (step.type !== 'begin') return current;
    current = settle(begin(current, step.index, step.limits, at));
  }
}
const limitsOfRunning = (state: BatchState) => indexesOf(state, 'running').map((index) => state.allotted[index]);

describe('a batch', () => {
  it('has as many reviews under way as it may, in the order of its targets', () => {
    const first = fill(batchOf(5, { concurrency: 2 }), 0);
    expect(indexesOf(first, 'running')).toEqual([0, 1]);
    expect(next(first, 0)).toEqual({ type: 'wait', until: null, for: 'reviews' });
    expect(indexesOf(fill(end(first, 0, reviewed(1)), 0), 'running')).toEqual([1, 2]);
    expect(indexesOf(fill(batchOf(9), 0), 'running')).toHaveLength(4);
  });

  it('begins no more in a minute than it may, and says until when it waits', () => {
    let state = fill(batchOf(5, { concurrency: 5, reviewsPerMinute: 2 }), 1_000);
    expect(indexesOf(state, 'running')).toEqual([0, 1]);
    expect(next(state, 30_000)).toEqual({ type: 'wait', until: 61_000, for: 'rate' });
    state = fill(state, 61_000);
    expect(indexesOf(state, 'running')).toEqual([0, 1, 2, 3]);
    expect(next(state, 61_000)).toEqual({ type: 'wait', until: 121_000, for: 'rate' });
  });

  it('reviews a target once that is listed twice, however it is written', () => {
    const targets = ['ssh://Host.example/a/b.git', 'ssh://user@host.example/a/b/', 'ssh://host.example/a/c'];
    const state = newBatch('b', { targets: targets.map((repository) => ({ repository })) }, 0);
    expect(state.outcomes.map(({ status }) => status)).toEqual(['waiting', 'skipped', 'waiting']);
    const other = newBatch('b', { targets: [{ repository: '/a' }, { repository: '/a', branch: 'x' }] }, 0);
    expect(other.outcomes.map(({ status }) => status)).toEqual(['waiting', 'waiting']);
  });

  it('fails the targets whose addresses cannot be used, keeps nothing of those, and reviews the others', () => {
    const targets = ['https://secret@host.example/a', 'https://host.example/a', '/b'].map((repository) => ({
      repository,
    }));
    const state = newBatch('b', { targets }, 0, ['it holds a user', null, null]);
    expect(JSON.stringify(state)).not.toContain('secret');
    expect(toRowsPage(state, 0, 10).rows.map(({ target, outcome }) => [target.repository, outcome])).toEqual([
      [
        'https://host.example/a',
        expect.objectContaining({ status: 'failed', message: expect.stringContaining('it holds a user') as string }),
      ],
      ['https://host.example/a', { status: 'waiting' }],
      ['/b', { status: 'waiting' }],
    ]);
    const end = fill(newBatch('b', { targets: targets.slice(0, 1) }, 0, ['it holds a user']), 0);
    expect([next(end, 0), isInVain(end)]).toEqual([{ type: 'end' }, true]);
  });

  it('gives each review its own limit, within what the others leave of that of the batch', () => {
    const budget = { review: { tokens: 60, steps: 9 }, batch: { tokens: 100 } };
    const state = fill(batchOf(3, { concurrency: 3, budget }), 0);
    expect(limitsOfRunning(state)).toEqual([
      { tokens: 60, steps: 9 },
      { tokens: 40, steps: 9 },
    ]);
    expect(next(state, 0)).toEqual({ type: 'wait', until: null, for: 'reviews' });
    // What was held for it and not used is available to the next one.
    expect(limitsOfRunning(fill(end(state, 0, reviewed(10)), 0))).toEqual([
      { tokens: 40, steps: 9 },
      { tokens: 50, steps: 9 },
    ]);
  });

  it('shares its budget evenly where reviews have no limit of their own', () => {
    const state = fill(batchOf(9, { concurrency: 4, budget: { batch: { costUsd: 1, tokens: 10 } } }), 0);
    expect(limitsOfRunning(state)).toEqual([
      { tokens: 2, costUsd: 0.25 },
      { tokens: 2, costUsd: 0.25 },
      { tokens: 3, costUsd: 0.25 },
      { tokens: 3, costUsd: 0.25 },
    ]);
  });

  it('reports what its budget had nothing left for as not reviewed', () => {
    let state = fill(batchOf(4, { concurrency: 1, budget: { batch: { tokens: 100 } } }), 0);
    state = fill(end(state, 0, reviewed(99)), 0);
    state = fill(end(state, 1, reviewed(1)), 0);
    expect(state.outcomes.slice(2)).toEqual(Array(2).fill({ status: 'notReviewed', reason: 'budget', spent: null }));
    expect(next(state, 0)).toEqual({ type: 'end' });
    expect(toView(finish(state, 7), null)).toMatchObject({
      status: 'completed',
      endedAt: 7,
      spent: { tokens: 100, steps: 2 },
    });
  });

  it('that is cancelled keeps what is done, and waits for what runs', () => {
    let state = fill(batchOf(4, { concurrency: 2 }), 0);
    state = cancel(end(state, 0, reviewed(5)), 'enough');
    expect(toView(state, null)).toMatchObject({ status: 'cancelling', reason: 'enough', running: [1] });
    expect(next(state, 0)).toMatchObject({ type: 'wait', for: 'reviews' });
    state = end(state, 1, { status: 'notReviewed', reason: 'cancelled', spent: spentOf(2) });
    expect(next(state, 0)).toEqual({ type: 'end' });
    expect(toView(finish(state, 9), null)).toMatchObject({
      ...{ status: 'cancelled', counts: { reviewed: 1, notReviewed: 3 }, spent: { tokens: 7 } },
    });
  });

  it('is in vain where every target failed, and only then', () => {
    const one = end(fill(batchOf(2), 0), 0, failed);
    expect(isInVain(end(one, 1, failed))).toBe(true);
    expect(isInVain(end(one, 1, reviewed(1)))).toBe(false);
    expect(isInVain(batchOf(1))).toBe(false);
  });

  it('of thousands of targets fits into one payload, even where every one of them failed at length', () => {
    const targets = Array.from({ length: 5_000 }, (_, index) => ({
      repository: `/some/where/${'deep/'.repeat(28)}${index}`,
    }));
    let state = newBatch('b', { targets }, 0);
    for (let index = 0; index < targets.length; index++)
      state = { ...state, outcomes: state.outcomes.with(index, failed) };
    const shortened = targets.reduce((current, _, index) => end(current, index, failed), newBatch('b', { targets }, 0));
    expect(JSON.stringify(shortened).length).toBeLessThan(2 * 1024 * 1024);
    expect(toRowsPage(shortened, 4_990, 500)).toMatchObject({ next: 5_000, more: false });
  });
});

describe('files that nobody looked at', () => {
  const leftOut = Array.from({ length: 20 }, (_, n) => ({ path: `${'p'.repeat(90)}${n}`, why: 'binary' }));
  const files = (targets: number) => {
    const state = end(batchOf(targets), 0, { ...reviewed(1), filesLeftOut: 44, leftOut } as RowOutcome);
    const [outcome] = state.outcomes;
    return outcome?.status === 'reviewed' ? [outcome.filesLeftOut, outcome.leftOut?.length] : outcome;
  };

  it('are counted in their row, and the first of them named, as far as many rows travel in one payload', () => {
    expect([files(1), files(1_001)]).toEqual([
      [44, 8],
      [44, undefined],
    ]);
  });
});

describe('the open findings of a batch', () => {
  it('are those of the rows that have ended; a batch of an earlier release does not say', () => {
    const one = end(batchOf(3), 0, { ...reviewed(1), open: 3 });
    const two = end(one, 1, { ...failed, open: 2 });
    expect([batchOf(3), end(batchOf(3), 0, reviewed(1)), two].map((state) => toView(state, null).open)).toEqual([
      ...[undefined, undefined, 5],
    ]);
  });
});

describe('whatever happens', () => {
  const happenings = fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.record({ type: fc.constant('end' as const), which: fc.nat(20), tokens: fc.nat(60) }) },
      { weight: 2, arbitrary: fc.record({ type: fc.constant('time' as const), ms: fc.nat(40_000) }) },
      { weight: 1, arbitrary: fc.constant({ type: 'cancel' as const }) },
    ),
    { maxLength: 60 },
  );
  const settings = fc.record({
    count: fc.integer({ min: 1, max: 12 }),
    concurrency: fc.integer({ min: 1, max: 5 }),
    perMinute: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    tokens: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
  });

  it('every target comes to one end, and no bound is ever passed', () => {
    fc.assert(
      fc.property(settings, happenings, ({ count, concurrency, perMinute, tokens }, events) => {
        const most = tokens === undefined ? {} : { budget: { batch: { tokens } } };
        const rate = perMinute === undefined ? {} : { reviewsPerMinute: perMinute };
        let at = 0;
        let state = fill(batchOf(count, { concurrency, ...most, ...rate }), at);
        const check = () => {
          const running = indexesOf(state, 'running');
          expect(running.length).toBeLessThanOrEqual(concurrency);
          const held = running.reduce((sum, index) => sum + (state.allotted[index]?.tokens ?? 0), 0);
          if (tokens !== undefined) expect(state.spent.tokens + held).toBeLessThanOrEqual(tokens);
          if (perMinute !== undefined) {
            const begun = state.begun.filter((time) => time > at - 60_000);
            expect(begun.length).toBeLessThanOrEqual(perMinute);
          }
          expect(Object.keys(state.allotted).map(Number)).toEqual(running);
        };
        const endOne = (which: number, used: number) => {
          const running = indexesOf(state, 'running');
          const index = running[which % running.length];
          if (index === undefined) return;
          // A review never uses more than it was given.
          const limit = state.allotted[index]?.tokens ?? Infinity;
          state = fill(end(state, index, reviewed(Math.min(used, limit))), at);
        };
        for (const event of events) {
          if (event.type === 'end') endOne(event.which, event.tokens);
          else if (event.type === 'time') state = fill(state, (at += event.ms));
          else state = fill(cancel(state, null), at);
          check();
        }
        for (let rounds = 0; next(state, at).type !== 'end'; rounds++) {
          expect(rounds).toBeLessThan(200);
          if (indexesOf(state, 'running').length > 0) endOne(0, 1);
          else state = fill(state, (at += 60_000));
          check();
        }
        expect(state.outcomes.filter(({ status }) => status === 'waiting' || status === 'running')).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
