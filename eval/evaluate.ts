/** Runs the cases of a record that have no result yet, some in parallel. */
import type { Environment } from './environment.ts';
import { type Purse, createPurse } from './purse.ts';
import { type Case, NOTHING_SPENT, type Result, type RunRecord, type Spent, makeAgain } from './record.ts';
import { endsRun } from './turn-outcome.ts';

export interface EvaluateOptions {
  record: RunRecord;
  /** How many cases run in parallel. */
  jobs: number;
  environment: Environment;
  runCase: (entry: Case, usd: number | null) => Promise<Result>;
  onStart: (entry: Case) => void;
  onEnd: (entry: Case, result: Result) => void;
}

/** Why cases may be left without a result. */
export type Leftover = 'nothing' | 'budget' | { everyCase: string };

/** Rejects if it was interrupted. The record is saved after each case. */
export async function evaluate(options: EvaluateOptions): Promise<Leftover> {
  const { record, jobs, environment } = options;
  const waiting = record.cases.filter(({ result }) => result === null);
  const spent = record.cases.reduce((sum, { result }) => sum + usdOf(result), toUsd(record.lost));
  const places = Math.min(jobs, waiting.length);
  const purse = createPurse(record.maxUsd, spent, places);
  const end: { left: Leftover } = { left: 'nothing' };
  const work = async (): Promise<void> => {
    for (;;) {
      environment.signal.throwIfAborted();
      if (waiting.length === 0 || end.left !== 'nothing') return;
      const usd = purse.take();
      if (usd === undefined) {
        end.left = 'budget';
        return;
      }
      const entry = waiting.shift();
      if (entry === undefined) return;
      const result = await runOne(options, { entry, usd, purse });
      if (endsRun(result)) end.left = { everyCase: result.reason ?? '' };
    }
  };
  const all = await Promise.allSettled(Array.from({ length: places }, work));
  const failed = all.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
  return end.left === 'nothing' && record.cases.some(({ result }) => result === null) ? 'budget' : end.left;
}

async function runOne(
  options: EvaluateOptions,
  { entry, usd, purse }: { entry: Case; usd: number | null; purse: Purse },
): Promise<Result> {
  const { environment, runCase, onStart, onEnd } = options;
  onStart(entry);
  const result = await runCase(entry, usd).catch((error: unknown): Result => {
    environment.signal.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    return { status: 'error', reason, seconds: 0, spent: NOTHING_SPENT, found: null };
  });
  purse.settle(usd, usdOf(result));
  // A case that failed for a reason that every case has can be run again.
  if (wasCut(result, usd)) makeAgain(options.record, entry, result);
  else if (!endsRun(result)) entry.result = result;
  await environment.save();
  onEnd(entry, result);
  return result;
}

/** Its share of what was left was too small, which says nothing about the model. */
function wasCut(result: Result, usd: number | null): boolean {
  return usd !== null && result.status === 'limit' && usdOf(result) >= usd;
}

function usdOf(result: Result | null): number {
  return result === null ? 0 : toUsd(result.spent);
}

function toUsd({ costMicroUsd }: Spent): number {
  return (costMicroUsd ?? 0) / 1_000_000;
}
