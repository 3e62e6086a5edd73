/** The options `--budget-...`. */
import type { Command } from 'commander';
import { amount, choice } from '../option-values.ts';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Budget, BudgetScope, BudgetView, Limits } from '../../../contract/index.ts';
import { BUDGET_SCOPES } from '../../../contract/plain/amounts.ts';
import { toAmounts, toSeconds } from '../../../contract/plain/words/amount-words.ts';

export interface BudgetOptions {
  budgetTokens?: string;
  budgetUsd?: string;
  budgetSteps?: string;
  budgetSeconds?: string;
  budgetScope?: BudgetScope;
}

export function addBudgetOptions(command: Command): Command {
  return command
    .option('--budget-tokens <n>', 'ask before using more than this many tokens', amount)
    .option('--budget-usd <n>', 'the same, in dollars', amount)
    .option('--budget-steps <n>', 'the same, in model calls', amount)
    .option('--budget-seconds <n>', 'the same, in seconds', amount)
    .addOption(
      choice('--budget-scope <scope>', 'what they limit (default: tree for a new thread, else turn)', BUDGET_SCOPES),
    );
}

/** Undefined if no limit is given. @param scope the default scope. */
export function toBudget(options: BudgetOptions, scope: BudgetScope): Budget | undefined {
  const { budgetTokens: tokens, budgetUsd: usd, budgetSteps: steps, budgetSeconds: seconds, budgetScope } = options;
  const limits = toLimits('--budget', { tokens, usd, steps, seconds });
  return Object.keys(limits).length === 0 ? undefined : { [budgetScope ?? scope]: limits };
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
    ...(turn === null ? [] : [`spent       by this turn: ${toAmounts(turn)}${describeWait(turn)}`]),
    `spent       by the thread: ${toAmounts(thread)}${describeWait(thread)}`,
    ...(below ? [`spent       with its agents: ${toAmounts(tree)}`] : []),
  ];
}

function describeWait({ waitedMs }: { waitedMs: number }): string {
  return waitedMs === 0 ? '' : `, and waited ${toSeconds(waitedMs)} for a person`;
}
