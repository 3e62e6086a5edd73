/**
 * Budgets: what may be used up, and whether it was. A turn is checked before each of its model calls, and its time by a timer.
 * A thread answers for its whole tree where it has a budget for it and no parent; a thread below such a one has a part of
 * that budget, and where it is used up waits for a word from above. `docs/budgets.md` tells it at length.
 */
import type { Budget, BudgetScope, LimitName, Limits, Spent } from '../../../src/contract/index.ts';
import { AMOUNT_OF, LIMIT_NAMES, toCounted, toUnit, NOTHING_SPENT } from '../../sandbox/amounts.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { type ActiveTurn, type Child, type ThreadState } from '../state/state.ts';
import { threadSpent, treeSpent, turnSpent } from '../state/spending.ts';

const SCOPES = ['turn', 'thread', 'tree'] as const satisfies BudgetScope[];

/** The turn that budgets hold for, as long as it goes on. */
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

/** How much may be used up in all, grants included, in the unit of what is counted; null where there is no such limit. */
export function ceilingOf(state: ThreadState, scope: BudgetScope, limit: LimitName): number | null {
  const base = state.settings.budget[scope]?.[limit];
  return base === undefined ? null : toCounted(limit, base) + grantedIn(state, scope)[AMOUNT_OF[limit]];
}

/** The limits of a scope as they stand, grants included. */
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
  /** In the unit of what is counted. */
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
 * The first limit that keeps the thread from going on. Time is checked while a turn is active, the rest only before a model
 * call, and for a tree also while agents are at work.
 */
export function findExcess(
  state: ThreadState,
  at: number,
  { step, agents }: { step: boolean; agents: boolean },
): Excess | null {
  const turn = limitedTurn(state);
  for (const scope of SCOPES) {
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
  return SCOPES.some((scope) => state.settings.budget[scope]?.costUsd !== undefined);
}

/** Allows as much more as the limit was at first, from what is used up by now on. */
export function grant(state: ThreadState, at: number, scope: BudgetScope, limit: LimitName): ThreadState {
  const amount = AMOUNT_OF[limit];
  const before = grantedIn(state, scope);
  // What is granted comes on top of the limit as it was at first.
  const granted = { ...before, [amount]: Math.max(before[amount], spentIn(state, scope, at)[amount]) };
  if (scope !== 'turn')
    return { ...state, budget: { ...state.budget, granted: { ...state.budget.granted, [scope]: granted } } };
  return state.active === null ? state : { ...state, active: { ...state.active, granted } };
}

/** Settings of a turn that begins: each scope of a budget that it names takes the place of the one there was. */
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
 * What a child and its descendants may use up in all: what they have, and what is left here. One at least, since none is no
 * limit that could be told.
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

/** The budget that a child starts with: its turns are limited as those of this thread, its tree by what is left here. */
export function budgetOfChild(state: ThreadState, at: number): Budget {
  const { turn, tree } = state.settings.budget;
  return {
    ...(turn === undefined ? {} : { turn }),
    ...(tree === undefined ? {} : { tree: allowanceOf(state, at, { spent: NOTHING_SPENT }) }),
  };
}

// ---------------------------------------------------------------------------------------------------------- holding

/** Whether the thread may begin nothing for now: it has asked for more, or waits for a word from above. */
export function isHeld({ budget, requests }: ThreadState): boolean {
  return budget.held || budget.waits || requests.some(({ type, origin }) => type === 'budget' && origin === null);
}

/** Wakes the thread when the time of its turn is used up. */
export function wantedBudgetTimer(state: ThreadState): Action[] {
  const turn = limitedTurn(state);
  const clock = turn?.clock ?? null;
  if (clock === null) return [];
  const times = SCOPES.flatMap((scope) => {
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
