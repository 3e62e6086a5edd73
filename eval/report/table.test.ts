import { describe, expect, it } from 'vitest';
import { type Case, NOTHING_SPENT, type Result, type RunRecord } from '../record.ts';
import { toMarkdown, toText } from './table.ts';
import { summarise } from './totals.ts';

const spent = {
  ...NOTHING_SPENT,
  inputTokens: 1000,
  cachedInputTokens: 250,
  outputTokens: 20,
  modelCalls: 2,
  costMicroUsd: 1500,
};

function entry(kind: Case['kind'], name: string, attempt: number, result: Partial<Result> | null): Case {
  const whole = result && { status: 'passed' as const, reason: null, seconds: 2, spent, found: null, ...result };
  return {
    id: `${kind}/${name}/${attempt}`,
    kind,
    name,
    attempt,
    threadId: 't',
    prepared: true,
    begun: 1,
    result: whole,
  };
}

const RECORD: RunRecord = {
  ...{ version: 1, startedAt: '2026-03-02T09:15:00.000Z', model: 'a/b', effort: 'high', judge: null, spoilt: false },
  ...{ maxUsd: null, settings: [], lost: { ...NOTHING_SPENT, costMicroUsd: 100 } },
  cases: [
    entry('task', 'one', 1, {}),
    entry('task', 'one', 2, { status: 'failed', reason: 'wrong\n| <b>\u001b[31m' }),
    entry('task', 'two', 1, { status: 'error', reason: 'the endpoint was away', spent: NOTHING_SPENT }),
    entry('task', 'two', 2, null),
    entry('review', 'x-1', 1, { found: { hit: true, findings: 4, right: 1 } }),
    entry('review', 'y-1', 1, { status: 'failed', reason: 'none', found: { hit: false, findings: 0, right: 0 } }),
  ],
};

describe('the results of a run', () => {
  it('count attempts that say something about the model, recall by faults and precision by findings', () => {
    const { tasks, reviews, total } = summarise(RECORD);
    expect(tasks.map(({ name, passRate, left }) => ({ name, passRate, left }))).toEqual([
      { name: 'one', passRate: 0.5, left: 0 },
      { name: 'two', passRate: null, left: 1 },
      { name: null, passRate: 0.5, left: 1 },
    ]);
    expect(reviews.map(({ name, recall, precision }) => ({ name, recall, precision }))).toEqual([
      { name: 'x-1', recall: 1, precision: 0.25 },
      { name: 'y-1', recall: 0, precision: null },
      { name: null, recall: 0.5, precision: 0.25 },
    ]);
    expect(total).toMatchObject({ seconds: 10, left: 1, spent: { inputTokens: 4000, costMicroUsd: 6100 } });
  });

  it('have an unknown cost if a part of it is not known', () => {
    const cases = [...RECORD.cases, entry('task', 'three', 1, { spent: { ...spent, costMicroUsd: null } })];
    expect(summarise({ ...RECORD, cases }).total.spent.costMicroUsd).toBeNull();
    expect(toText({ ...RECORD, cases })).toContain('cost unknown');
  });

  it('are a table for a terminal, in which foreign text is harmless', () => {
    const text = toText(RECORD);
    expect(text).toContain('a/b, effort high, 2026-03-02: $0.0061, 1 of 6 did not run');
    expect(text).toMatch(/^two +0 +0 \(1 not judged\)/m);
    expect(text).toMatch(/^all +1 +2 +50 % +25 %/m);
    expect(text).toContain('task/one/2: failed: wrong | <b>\\x1b[31m');
    expect(text).not.toContain('\u001b');
  });

  it('are Markdown, in which foreign text is no markup', () => {
    expect(toMarkdown(RECORD)).toContain('- task/one/2: failed: wrong \\| \\<b\\>\\\\x1b\\[31m');
    expect(toMarkdown(RECORD)).toContain('| x-1 | 1 | 1 | 100 % | 25 % |');
  });
});
