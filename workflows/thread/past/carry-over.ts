/** From one run of a thread to the next. Unlike a start argument it is our own, so only its version is checked. */
import { UnknownStateVersion } from '../../sandbox/carried-state.ts';
import { fromCarriedRules } from '../approvals/rules.ts';
import {
  type ActiveTurn,
  type Child,
  NO_USAGE,
  STATE_VERSION,
  type ThreadState,
  newThreadState,
  decidesAnew,
} from '../state/state.ts';
import { NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';

export interface CarryOver {
  carriedOver: ThreadState;
}

export function toCarryOver(state: ThreadState): CarryOver {
  return { carriedOver: { ...state, rollover: null, runCount: state.runCount + 1 } };
}

/** From any release. */
export function isCarryOver(argument: unknown): argument is CarryOver {
  return typeof argument === 'object' && argument !== null && 'carriedOver' in argument;
}

/**
 * Reads a state of any earlier release: members that it did not know begin as in a new thread.
 * @throws UnknownStateVersion
 */
export function fromCarriedState(carried: ThreadState): ThreadState {
  const version = (carried as ThreadState | null)?.version;
  if (version !== STATE_VERSION) throw new UnknownStateVersion('thread', version, STATE_VERSION);
  const { threadId, settings } = carried;
  const fresh = newThreadState(threadId, settings, carried.createdAt);
  return {
    ...fresh,
    ...carried,
    settings: fresh.settings,
    usage: { ...NO_USAGE, ...carried.usage },
    budget: { ...fresh.budget, ...carried.budget },
    active: carried.active === null ? null : fromCarriedTurn(carried.active),
    beside: carried.beside.map(fromCarriedTurn),
    rules: fromCarriedRules(carried.rules, { threadId, sandbox: settings.sandbox, at: carried.updatedAt }),
    children: { ...fresh, ...carried }.children.map(fromCarriedChild),
  };
}

function fromCarriedTurn<T extends ActiveTurn>(turn: T): T {
  const added = {
    ...{ spent: NOTHING_SPENT, granted: NOTHING_SPENT, clock: null, limited: false },
    ...{ waitedMs: 0, waitingSince: null },
  };
  return { ...added, ...turn, usage: { ...NO_USAGE, ...turn.usage } };
}

function fromCarriedChild(child: Child): Child {
  return { ...{ spent: NOTHING_SPENT, held: false, waits: false }, ...child };
}

/** Bytes that may be carried over: a little less than the service's limit for one payload, which is 2 MiB. */
export const CARRY_OVER_BYTES = 2_064_384;
const FIRST_CARRY_OVER_BYTES = 1_048_576;

/** The same for this state; runs that decide as the first release carry over half of it. */
export function carryOverBytes(state: ThreadState): number {
  return decidesAnew(state) ? CARRY_OVER_BYTES : FIRST_CARRY_OVER_BYTES;
}
