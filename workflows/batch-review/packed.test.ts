import { expect, it } from 'vitest';
import type { BatchTarget, RowOutcome, StartBatch } from '../../src/contract/index.ts';
import { StartBatchSchema } from '../../src/contract/index.ts';
import { bytesOf, isTooLarge, roomForWords } from '../../src/contract/plain/batch-size.ts';
import { type BatchState, begin, end, newBatch, toRowsPage, toView } from './batch.ts';
import { isLarge, pack, unpack } from './packed.ts';

const SERVICE_LIMIT = 2 * 1024 * 1024;
const COMMIT = 'f'.repeat(64);
const spent = { tokens: 999_999_999_999, costMicroUsd: 999_999_999_999, steps: 999_999, wallMs: 999_999_999_999 };
const reviewed: RowOutcome = {
  ...{ status: 'reviewed', base: COMMIT, head: COMMIT, full: false, filesLeftOut: 99_999, spent, open: 500 },
  counts: { new: 500, unchanged: 500, reopened: 500, fixed: 500, dismissed: 500 },
  leftOut: Array.from({ length: 9 }, () => ({ path: '漢'.repeat(900), why: 'it is too large' })),
};
const failed: RowOutcome = { status: 'failed', code: 'reviewTargetUnknown', message: '漢'.repeat(2_000), spent };
const others: RowOutcome[] = [
  { status: 'notReviewed', reason: 'cancelled', spent },
  { status: 'skipped', reason: 'alreadyReviewed', head: COMMIT },
];

/** The longest addresses that a batch of that many targets may have. */
function longest(count: number, character: string): StartBatch {
  const bytes = Buffer.byteLength(character);
  const of = (chars: number): StartBatch => ({
    targets: Array.from({ length: count }, (_, i): BatchTarget => ({ repository: `/${i}${character.repeat(chars)}` })),
    reviewsPerMinute: 10_000,
  });
  let chars = Math.floor(Math.min(4_080, roomForWords(of(0)) / count / bytes));
  while (!StartBatchSchema.safeParse(of(chars)).success) chars--;
  return of(chars);
}

function ended(start: StartBatch, outcome: (index: number) => RowOutcome): BatchState {
  return start.targets.reduce(
    (state, _, index) => end(begin(state, index, {}, index), index, outcome(index)),
    newBatch('b', start, 0),
  );
}

it.each([
  [5_000, 'x'],
  [5_000, '漢'],
  [1_000, '漢'],
  [240, 'x'],
])(
  'a batch of %i targets with the longest addresses is carried over, read and reported, however its reviews ended (%s)',
  (count, character) => {
    const start = longest(count, character);
    for (const outcome of [() => reviewed, () => failed, (i: number) => [reviewed, failed, ...others][i % 4]!]) {
      const state = ended(start, outcome);
      expect(isLarge(state)).toBe(true);
      const packed = pack(state);
      expect(bytesOf({ carriedBatch: packed })).toBeLessThan(SERVICE_LIMIT - 30_000);
      expect(unpack(JSON.parse(JSON.stringify(packed)) as typeof packed)).toEqual(state);
      expect(bytesOf(toView(state, null))).toBeLessThan(100_000);
      let rows = 0;
      for (let page = toRowsPage(state, 0, 500); ; page = toRowsPage(state, page.next, 500)) {
        expect(bytesOf(page)).toBeLessThan(SERVICE_LIMIT);
        rows += page.rows.length;
        if (!page.more) break;
      }
      expect(rows).toBe(count);
    }
  },
  60_000,
);

it('says of each failed review why, as far as there is room for it', () => {
  const { outcomes } = ended(longest(5_000, 'x'), () => failed);
  const [first] = outcomes;
  expect(first).toMatchObject({ status: 'failed', message: expect.stringMatching(/^漢*$/) as string });
  const small = ended({ targets: [{ repository: '/a' }] }, () => failed).outcomes[0];
  expect(small?.status === 'failed' && small.message.length).toBeGreaterThan(300);
});

it('refuses a batch that would be too large for its rows, and says what it may have', () => {
  const targets = Array.from({ length: 5_000 }, (_, i) => ({ repository: `/${i}${'x'.repeat(170)}` }));
  expect(isTooLarge({ targets })).toBe(true);
  const parsed = StartBatchSchema.safeParse({ targets });
  expect(parsed.error?.issues[0]?.message).toMatch(
    /^targets and instructions of 9\d{5} bytes are too large for a batch of 5,000 targets, which may have 764384; make several/,
  );
  expect(StartBatchSchema.safeParse({ targets: targets.slice(0, 2_500) }).success).toBe(true);
});
