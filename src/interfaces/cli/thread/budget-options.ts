/** The options `--budget-...`. */
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Budget, BudgetScope, BudgetView, LimitName, Limits, Spent } from '../../../contract/index.ts';
import { BUDGET_SCOPES } from '../../../contract/plain/amounts.ts';
import { describeAmount } from '../text/money.ts';

export interface BudgetOptions {
  budgetTokens?: string;
  budgetUsd?: string;
  budgetSteps?: string;
  budgetSeconds?: string;
  budgetScope?: string;
}

export function addBudgetOptions(command: Command): Command {
  return command
    .option('--budget-tokens <n>', 'ask before using more than this many tokens')
    .option('--budget-usd <n>', 'the same, in dollars')
    .option('--budget-steps <n>', 'the same, in model calls')
    .option('--budget-seconds <n>', 'the same, in seconds')
    .option('--budget-scope <scope>', 'turn, thread or tree (default: tree for a new thread, else turn)');
}

/** Undefined if no limit is given. @param scope the default scope. */
export function toBudget(options: BudgetOptions, scope: BudgetScope): Budget | undefined {
  const { budgetTokens: tokens, budgetUsd: usd, budgetSteps: steps, budgetSeconds: seconds, budgetScope } = options;
  const limits = toLimits('--budget', { tokens, usd, steps, seconds });
  const named = BUDGET_SCOPES.find((known) => known === (budgetScope ?? scope));
  if (named === undefined) throw new BobbinError('invalid', `--budget-scope ${budgetScope}: turn, thread or tree`);
  return Object.keys(limits).length === 0 ? undefined : { [named]: limits };
}

/** The four options of one budget, as they were typed. */
interface TypedLimits {
  tokens: string | undefined;
  usd: string | undefined;
  steps: string | undefined;
  seconds: string | undefined;
}

/** @param prefix of the option names, for error messages */
export function toLimits(prefix: string, { tokens, usd, steps, seconds }: TypedLimits): Limits {
  return {
    ...(tokens === undefined ? {} : { tokens: toNumber(`${prefix}-tokens`, tokens) }),
    ...(usd === undefined ? {} : { costUsd: toNumber(`${prefix}-usd`, usd) }),
    ...(steps === undefined ? {} : { steps: toNumber(`${prefix}-steps`, steps) }),
    ...(seconds === undefined ? {} : { wallMs: Math.round(toNumber(`${prefix}-seconds`, seconds) * 1_000) }),
  };
}

function toNumber(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && Number.isFinite(number)) return number;
  throw new BobbinError('invalid', `${option} ${text}: expected a number above 0`);
}

/** The amounts used, one line for each scope with information. */
export function describeBudget({ turn, thread, tree }: BudgetView): string[] {
  const below = JSON.stringify(tree.spent) !== JSON.stringify(thread.spent) || Object.keys(tree.limits).length > 0;
  return [
    ...(turn === null ? [] : [`spent       by this turn: ${describeSpent(turn)}${describeWait(turn)}`]),
    `spent       by the thread: ${describeSpent(thread)}${describeWait(thread)}`,
    ...(below ? [`spent       with its agents: ${describeSpent(tree)}`] : []),
  ];
}

function describeWait({ waitedMs }: { waitedMs: number }): string {
  return waitedMs === 0 ? '' : `, and waited ${describeAmount('wallMs', waitedMs)} for a person`;
}

function describeSpent({ spent, limits }: { spent: Spent; limits: Limits }): string {
  const amounts: [LimitName, number][] = [
    ['tokens', spent.tokens],
    ['costUsd', spent.costMicroUsd / 1_000_000],
    ['steps', spent.steps],
    ['wallMs', spent.wallMs],
  ];
  return amounts
    .map(([limit, amount]) => {
      const max = limits[limit];
      return `${describeAmount(limit, amount)}${max === undefined ? '' : ` of ${describeAmount(limit, max)}`}`;
    })
    .join(', ');
}
