/** Limits and usage. Limits are in dollars, usage is counted in millionths of them. */
import type { BudgetScope, LimitName, Limits, Spent } from '../threads/budget.ts';

/** What budgets limit, the smallest first. */
export const BUDGET_SCOPES = ['turn', 'thread', 'tree'] as const satisfies readonly BudgetScope[];

export const AMOUNT_OF = {
  tokens: 'tokens',
  costUsd: 'costMicroUsd',
  steps: 'steps',
  wallMs: 'wallMs',
} as const satisfies Record<LimitName, keyof Spent>;
export const LIMIT_NAMES = Object.keys(AMOUNT_OF) as LimitName[];

/** The smallest limits that can be expressed; a limit of zero cannot. */
export const LEAST: Record<LimitName, number> = { tokens: 1, costUsd: 0.000001, steps: 1, wallMs: 1 };

const MICRO = 1_000_000;

/** From the unit of a limit to that of usage, and back. */
export const toCounted = (limit: LimitName, amount: number): number =>
  limit === 'costUsd' ? Math.round(amount * MICRO) : amount;
export const toUnit = (limit: LimitName, counted: number): number => (limit === 'costUsd' ? counted / MICRO : counted);

/** In the unit of the limit. */
export const usedUp = (spent: Spent, limit: LimitName): number => toUnit(limit, spent[AMOUNT_OF[limit]]);

/** The rest of some limits; of a limit that is used up, the smallest possible one, which stops the receiver. */
export function leftOf(limits: Limits, spent: Spent): Limits {
  const left: Limits = {};
  for (const name of LIMIT_NAMES) {
    const most = limits[name];
    if (most !== undefined) left[name] = Math.max(LEAST[name], most - usedUp(spent, name));
  }
  return left;
}

export const NOTHING_SPENT: Spent = { tokens: 0, costMicroUsd: 0, steps: 0, wallMs: 0 };

export function plus(a: Spent, b: Spent): Spent {
  return {
    tokens: a.tokens + b.tokens,
    costMicroUsd: a.costMicroUsd + b.costMicroUsd,
    steps: a.steps + b.steps,
    wallMs: a.wallMs + b.wallMs,
  };
}

/** Usage that reaches all limits; amounts without a limit stay. */
export function allOf(limits: Limits, spent: Spent): Spent {
  const all = { ...spent };
  for (const name of LIMIT_NAMES) {
    const amount = AMOUNT_OF[name];
    all[amount] = Math.max(spent[amount], toCounted(name, limits[name] ?? 0));
  }
  return all;
}

/** The later of two accounts of the same usage: none of the values ever decreases. */
export function later(a: Spent, b: Spent): Spent {
  return {
    tokens: Math.max(a.tokens, b.tokens),
    costMicroUsd: Math.max(a.costMicroUsd, b.costMicroUsd),
    steps: Math.max(a.steps, b.steps),
    wallMs: Math.max(a.wallMs, b.wallMs),
  };
}
