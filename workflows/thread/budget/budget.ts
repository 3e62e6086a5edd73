/**
 * Budgets: what may be used up, and whether it was. A turn is checked before each of its model calls, and its time by a
 * timer. A thread with a budget for its tree and without a parent is responsible for the whole tree. A thread below it
 * has a part of that budget; when the part is used up, the thread waits for a message from above. See
 * `docs/budgets.md`.
 */
import type { Budget, BudgetScope, LimitName, Limits, Spent } from '../../../src/contract/index.ts';
import {
  AMOUNT_OF,
  BUDGET_SCOPES,
  LIMIT_NAMES,
  toCounted,
  toUnit,
  NOTHING_SPENT,
} from '../../../src/contract/plain/amounts.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { type ActiveTurn, type Child, type ThreadState } from '../state/state.ts';
import { threadSpent, treeSpent, turnSpent } from '../state/spending.ts';

/** The turn that budgets apply to, while it lasts. */
export function limitedTurn({ active }: ThreadState): ActiveTurn | null {
  return active?.limited === true && active.aborting === null && active.ending === undefined ? active : null;
}

export function spentIn(state: ThreadState, scope: BudgetScope, at: number): Spent {
  switch (scope) {
    case 'turn':
      return state.active === null ? NOTHING_SPENT : turnSpent(state.active, at);
    case 'thread':
      return threadSpent(state, at);
    case 'tree':
      return treeSpent(state, at);
  }
}

function grantedIn(state: ThreadState, scope: BudgetScope): Spent {
  return scope === 'turn' ? (state.active?.granted ?? NOTHING_SPENT) : state.budget.granted[scope];
}

/** How much may be used up in total, grants included, in the unit of the limit; null if there is no such limit. */
export function ceilingOf(state: ThreadState, scope: BudgetScope, limit: LimitName): number | null {
  const base = state.settings.budget[scope]?.[limit];
  return base === undefined ? null : toCounted(limit, base) + grantedIn(state, scope)[AMOUNT_OF[limit]];
}

/** The current limits of a scope, grants included. */
export function limitsOf(state: ThreadState, scope: BudgetScope): Limits {
  const given = LIMIT_NAMES.flatMap((limit): [LimitName, number][] => {
    const ceiling = ceilingOf(state, scope, limit);
    return ceiling === null ? [] : [[limit, toUnit(limit, ceiling)]];
  });
  return Object.fromEntries(given);
}

/** A limit that was reached. */
export interface Excess {
  scope: BudgetScope;
  limit: LimitName;
  /** In the unit of the limit. */
  spent: number;
  max: number;
}

function excessIn(
  state: ThreadState,
  at: number,
  scope: BudgetScope,
  checks: (limit: LimitName) => boolean,
): Excess | null {
  const spent = spentIn(state, scope, at);
  for (const limit of LIMIT_NAMES) {
    const max = ceilingOf(state, scope, limit);
    const used = spent[AMOUNT_OF[limit]];
    if (max !== null && used >= max && checks(limit)) return { scope, limit, spent: used, max };
  }
  return null;
}

/**
 * The first limit that stops the thread. Time is checked while a turn is active; everything else only before a model
 * call, and for a tree also while agents are at work.
 */
export function findExcess(
  state: ThreadState,
  at: number,
  { step, agents }: { step: boolean; agents: boolean },
): Excess | null {
  const turn = limitedTurn(state);
  for (const scope of BUDGET_SCOPES) {
    const all = step || (scope === 'tree' && agents);
    if (turn === null && !all) continue;
    const excess = excessIn(state, at, scope, (limit) => all || limit === 'wallMs');
    if (excess !== null) return excess;
  }
  return null;
}

export function isTreeUsedUp(state: ThreadState, at: number): boolean {
  return excessIn(state, at, 'tree', () => true) !== null;
}

/** Whether dollars are limited for the next model call. */
export function isCostLimited(state: ThreadState): boolean {
  return BUDGET_SCOPES.some((scope) => state.settings.budget[scope]?.costUsd !== undefined);
}

/** Raises a limit by its first value, counted from what is used up by now. */
export function grant(state: ThreadState, at: number, scope: BudgetScope, limit: LimitName): ThreadState {
  const amount = AMOUNT_OF[limit];
  const before = grantedIn(state, scope);
  // A grant is added to the first value of the limit.
  const granted = { ...before, [amount]: Math.max(before[amount], spentIn(state, scope, at)[amount]) };
  if (scope !== 'turn')
    return { ...state, budget: { ...state.budget, granted: { ...state.budget.granted, [scope]: granted } } };
  return state.active === null ? state : { ...state, active: { ...state.active, granted } };
}

/** The settings with the budget of a turn that begins: each scope that it names replaces the earlier one. */
export function withBudget(state: ThreadState, given: Budget | undefined): ThreadState {
  if (given === undefined) return state;
  const { granted } = state.budget;
  const settings = { ...state.settings, budget: { ...state.settings.budget, ...given } };
  const kept = {
    thread: given.thread === undefined ? granted.thread : NOTHING_SPENT,
    tree: given.tree === undefined ? granted.tree : NOTHING_SPENT,
  };
  return { ...state, settings, budget: { ...state.budget, granted: kept } };
}

// -------------------------------------------------------------------------------------------------------- children

/**
 * What a child and its descendants may use up in total: what they have used, and what is left here. At least one, since
 * a limit of zero cannot be expressed.
 */
export function allowanceOf(state: ThreadState, at: number, child: Pick<Child, 'spent'>): Limits {
  const spent = treeSpent(state, at);
  const given = LIMIT_NAMES.flatMap((limit): [LimitName, number][] => {
    const ceiling = ceilingOf(state, 'tree', limit);
    if (ceiling === null) return [];
    const amount = AMOUNT_OF[limit];
    const left = Math.max(0, ceiling - spent[amount]);
    return [[limit, toUnit(limit, Math.max(1, child.spent[amount] + left))]];
  });
  return Object.fromEntries(given);
}

/**
 * The budget that a child starts with: its turns have the limits of this thread's turns, its tree has what is left
 * here.
 */
export function budgetOfChild(state: ThreadState, at: number): Budget {
  const { turn, tree } = state.settings.budget;
  return {
    ...(turn === undefined ? {} : { turn }),
    ...(tree === undefined ? {} : { tree: allowanceOf(state, at, { spent: NOTHING_SPENT }) }),
  };
}

// ---------------------------------------------------------------------------------------------------------- holding

/** Whether the thread may not begin anything now: it has asked for more, or waits for a message from above. */
export function isHeld({ budget, requests }: ThreadState): boolean {
  return budget.held || budget.waits || requests.some(({ type, origin }) => type === 'budget' && origin === null);
}

/** Wakes the thread when the time of its turn is used up. */
export function wantedBudgetTimer(state: ThreadState): Action[] {
  const turn = limitedTurn(state);
  const clock = turn?.clock ?? null;
  if (clock === null) return [];
  const times = BUDGET_SCOPES.flatMap((scope) => {
    const ceiling = ceilingOf(state, scope, 'wallMs');
    return ceiling === null ? [] : [clock + Math.max(0, ceiling - spentIn(state, scope, clock).wallMs)];
  });
  if (times.length === 0) return [];
  const at = Math.min(...times);
  return [
    {
      type: 'awaitTime',
      id: actionIds.budget(at),
      at,
      about: { type: 'budget' },
      summary: 'time that a budget leaves',
    },
  ];
}
