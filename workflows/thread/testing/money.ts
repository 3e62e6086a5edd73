/**
 * For tests of the machine: an independent account of the usage, and a check of the thread and its budgets against it.
 */
import type { BudgetScope, LimitName, Spent, ThreadEvent } from '../../../src/contract/index.ts';
import { type Action, isModelCall } from '../state/actions.ts';
import type { MachineInput } from '../state/inputs.ts';
import type { ThreadState } from '../state/state.ts';
import { isOf, spendingOf } from '../machine/machine.ts';

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`It does not hold that ${what}`);
}

interface Step {
  before: ThreadState;
  machineInput: MachineInput;
  state: ThreadState;
  starting: readonly Action[];
  /** The events of this step. */
  events: readonly ThreadEvent[];
}

export interface MoneyOracle {
  after(step: Step): void;
}

/** Time is left out: it is checked separately. */
type Counted = Omit<Spent, 'wallMs'>;

const SCOPES: BudgetScope[] = ['turn', 'thread', 'tree'];
const AMOUNTS: Partial<Record<LimitName, keyof Counted>> = {
  tokens: 'tokens',
  costUsd: 'costMicroUsd',
  steps: 'steps',
};

export function createMoneyOracle(): MoneyOracle {
  /** By turn, the ones that have ended included. */
  const spent = new Map<string, Counted>();
  /** Ceilings after grants, in the unit of the limit, by scope and limit; for a turn with its id. */
  const ceilings = new Map<string, number>();
  const requests = new Map<string, { key: string; scope: BudgetScope; limit: LimitName; grants: number }>();

  const total = (scope: BudgetScope, turnId: string, state?: ThreadState): Counted => {
    const turns = scope === 'turn' ? [spent.get(turnId)] : [...spent.values()];
    const below = scope === 'tree' && state !== undefined ? [...state.children.map((child) => child.spent)] : [];
    const forgotten = scope === 'tree' && state !== undefined ? [state.budget.forgotten] : [];
    return [...turns, ...below, ...forgotten].reduce<Counted>(
      (sum, one) => (one === undefined ? sum : add(sum, one)),
      NOTHING,
    );
  };

  const onEvent = (event: ThreadEvent, state: ThreadState): void => {
    if (event.type === 'turn/budget/requestApproval' && event.request.type === 'budget') {
      check(event.request.scope !== 'tree' || state.settings.parent === null, 'the root asks for its tree');
      const { requestId, turnId, scope, limit, grants } = event.request;
      check(requests.size === 0, 'a thread asks for one limit at a time');
      requests.set(requestId, { key: keyOf(scope, limit, turnId), scope, limit, grants });
    }
    if (event.type !== 'serverRequest/resolved') return;
    const request = requests.get(event.requestId);
    requests.delete(event.requestId);
    const accepted = event.decision === 'accept' || event.decision === 'acceptForSession';
    if (request === undefined || !accepted) return;
    const { key, scope, limit, grants } = request;
    const amount = AMOUNTS[limit];
    const turnId = key.split(' ')[2] ?? '';
    if (amount !== undefined) ceilings.set(key, toUnit(limit, total(scope, turnId, state)[amount]) + grants);
  };

  return {
    after({ before, machineInput, state, starting, events }) {
      const paid = paidFor(before, machineInput);
      if (paid !== null) spent.set(paid.turnId, add(spent.get(paid.turnId) ?? NOTHING, paid.spent));
      for (const event of events) onEvent(event, state);
      const thread = total('thread', '');
      const { tokens, costMicroUsd, steps } = state.budget.own;
      check(
        JSON.stringify({ tokens, costMicroUsd, steps }) === JSON.stringify(thread),
        'every answer is paid for once',
      );
      check(state.usage.totalTokens === thread.tokens, 'usage and spending have the same tokens');
      for (const event of events) {
        if (event.type !== 'turn/completed') continue;
        const { tokens: ofTurn } = total('turn', event.turn.turnId);
        check(event.turn.usage.totalTokens === ofTurn, `${event.turn.turnId} says what it used up`);
      }
      if (state.settings.unattended !== null) check(requests.size === 0, 'nobody is asked where nobody watches');
      const calls = starting.filter(isModelCall);
      for (const call of calls) assertAllowed(state, 'turnId' in call ? call.turnId : '');
    },
  };

  /** No model call begins while a request for more is open, or if a limit was reached and nothing was granted. */
  function assertAllowed(state: ThreadState, turnId: string): void {
    check(!state.budget.held && !state.budget.waits, `no model call of ${turnId} begins while the thread is held`);
    check(requests.size === 0, `no model call of ${turnId} begins while more is asked for`);
    for (const scope of SCOPES) {
      for (const [limit, amount] of Object.entries(AMOUNTS) as [LimitName, keyof Counted][]) {
        const base = state.settings.budget[scope]?.[limit];
        if (base === undefined) continue;
        const max = Math.max(base, ceilings.get(keyOf(scope, limit, turnId)) ?? 0);
        const used = toUnit(limit, total(scope, turnId, state)[amount]);
        check(used < max, `${used} of ${max} ${limit} leave something for the ${scope} at ${turnId}`);
      }
    }
  }
}

const NOTHING: Counted = { tokens: 0, costMicroUsd: 0, steps: 0 };

function add(a: Counted, b: Counted): Counted {
  return { tokens: a.tokens + b.tokens, costMicroUsd: a.costMicroUsd + b.costMicroUsd, steps: a.steps + b.steps };
}

function keyOf(scope: BudgetScope, limit: LimitName, turnId: string): string {
  return `${scope} ${limit} ${scope === 'turn' ? turnId : ''}`;
}

function toUnit(limit: LimitName, counted: number): number {
  return limit === 'costUsd' ? counted / 1_000_000 : counted;
}

/** The price of an answer, and its turn; if it came too late for any turn, the thread alone pays. */
function paidFor(before: ThreadState, machineInput: MachineInput) {
  if (machineInput.type !== 'stepEnded') return null;
  const paid = spendingOf(machineInput);
  if (paid === null) return null;
  const turn = before.active;
  const turnId = turn !== null && isOf(before, turn, machineInput.id) ? turn.turnId : 'none';
  const { usage, costMicroUsd } = paid;
  return { turnId, spent: { tokens: usage.totalTokens, costMicroUsd: costMicroUsd ?? 0, steps: 1 } };
}
