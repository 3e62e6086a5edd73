import { describe, expect, it } from 'vitest';
import type { Environment } from './environment.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { type Case, NOTHING_SPENT, type Result, type RunRecord } from './record.ts';

interface RunOptions {
  maxUsd?: number | null;
  jobs?: number;
  first?: Partial<Case>;
}

function run(count: number, { maxUsd = null, jobs = 1, first = {} }: RunOptions = {}) {
  const cases = Array.from({ length: count }, (_, index): Case => {
    const name = String(index + 1);
    const places = { kind: 'task', name, attempt: 1, threadId: name, prepared: false, begun: 0, result: null } as const;
    return { id: `task/${name}/1`, ...places, ...(index === 0 ? first : {}) };
  });
  const record = { ...RECORD, maxUsd, cases };
  const stop = new AbortController();
  const began: string[] = [];
  const options: Omit<EvaluateOptions, 'runCase'> = {
    ...{ record, jobs },
    environment: { signal: stop.signal, save: () => Promise.resolve() } as Environment,
    onStart: ({ name }) => began.push(name),
    onEnd: () => undefined,
  };
  return { record, stop, began, with: (runCase: EvaluateOptions['runCase']) => evaluate({ ...options, runCase }) };
}

const RECORD: Omit<RunRecord, 'maxUsd' | 'cases'> = {
  ...{ version: 1, startedAt: '2026-03-02T09:15:00.000Z', model: 'a/b', effort: null, judge: null, spoilt: false },
  ...{ settings: [], lost: NOTHING_SPENT },
};
const costing = (usd: number): Result => ({
  ...{ status: 'passed', reason: null, seconds: 1, found: null },
  spent: { ...NOTHING_SPENT, costMicroUsd: usd * 1_000_000 },
});
const failing = (reason: string): Result => ({ ...costing(0), status: 'error', reason });

describe('a run', () => {
  it('runs every case that has no result yet', async () => {
    const it = run(4, { jobs: 3, first: { result: costing(1) } });
    expect(await it.with(() => Promise.resolve(costing(1)))).toBe('nothing');
    expect(it.began.sort()).toEqual(['2', '3', '4']);
    expect(it.record.cases.every(({ result }) => result?.status === 'passed')).toBe(true);
  });

  it('begins nothing more once its budget is used up, which counts what was spent before', async () => {
    const it = run(5, { maxUsd: 5, first: { result: costing(2) } });
    const shares: (number | null)[] = [];
    const end = await it.with((_, usd) => {
      shares.push(usd);
      return Promise.resolve(costing(1.5));
    });
    expect(end).toBe('budget');
    expect(shares).toEqual([3, 1.5]);
    expect(it.record.cases.map(({ result }) => result !== null)).toEqual([true, true, true, false, false]);
  });

  it('gives up a case whose share is too small, and makes it again in another thread if it continues', async () => {
    const it = run(2, { maxUsd: 4 });
    const end = await it.with(({ name }, usd) =>
      Promise.resolve(name === '1' ? costing(1) : { ...costing(usd ?? 0), status: 'limit', reason: 'used up' }),
    );
    expect(end).toBe('budget');
    expect(it.record.cases[1]).toMatchObject({ result: null, threadId: '2-again', prepared: false });
    expect(it.record.lost.costMicroUsd).toBe(3_000_000);

    it.record.maxUsd = 6;
    expect(await it.with((_, usd) => Promise.resolve(costing(usd ?? 0)))).toBe('nothing');
    expect(it.record.cases[1]?.result?.spent.costMicroUsd).toBe(2_000_000);
  });

  it('ends at a failure that every case would have, and leaves that case to be run again', async () => {
    const it = run(3);
    const end = await it.with(() => Promise.resolve(failing('modelUnauthorized: the key is wrong')));
    expect(end).toEqual({ everyCase: 'modelUnauthorized: the key is wrong' });
    expect(it.began).toEqual(['1']);
    expect(it.record.cases[0]?.result).toBeNull();
  });

  it('continues after a failure of one case', async () => {
    const it = run(2);
    const end = await it.with(({ name }) =>
      name === '1' ? Promise.reject(new Error('a package cannot be fetched')) : Promise.resolve(costing(0)),
    );
    expect(end).toBe('nothing');
    expect(it.record.cases.map(({ result }) => [result?.status, result?.reason])).toEqual([
      ['error', 'a package cannot be fetched'],
      ['passed', null],
    ]);
  });

  it('keeps no result of a case that was interrupted', async () => {
    const it = run(2);
    const ended = it.with(() => {
      it.stop.abort(new Error('interrupted'));
      return Promise.reject(new Error('the connection is gone'));
    });
    await expect(ended).rejects.toThrow('interrupted');
    expect(it.record.cases.map(({ result }) => result)).toEqual([null, null]);
  });
});
