/**
 * One entity per review target: its findings, run after run. A thin shell around `ledger.ts`: unreadable messages are
 * refused before they leave a trace, and nothing that a client sends fails the workflow.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { isContinued } from '../sandbox/carried-state.ts';
import type { Parsed } from '../sandbox/value-readers.ts';
import {
  readAbandonRun,
  readBeginRun,
  readDismissFinding,
  readPlace,
  readRecordRun,
  readReopenFinding,
} from './guards.ts';
import {
  type Outcome,
  type Refusal,
  abandonRun,
  beginRun,
  dismissFinding,
  reopenFinding,
  toLedgerDetails,
  toLedgerView,
} from './ledger.ts';
import {
  abandonRunSignal,
  beginRunUpdate,
  dismissFindingSignal,
  dismissFindingUpdate,
  ledgerQuery,
  recordRunUpdate,
  reopenFindingSignal,
  reopenFindingUpdate,
} from './messages.ts';
import { recordRun } from './record.ts';
import { type LedgerState, newLedger } from './state.ts';
import { isCarriedState, toCurrentState } from './upgrade.ts';

/** Result of a ledger that was started without a valid target; any other one stays open. */
export interface LedgerResult {
  status: 'refused';
  reason: string;
}

/** The service limits the updates of a run, but not its signals: a ledger continues as new long before that. */
const MESSAGES_PER_RUN = 500;

interface Host {
  state: LedgerState;
  messages: number;
}

/** @param argument a `LedgerPlace`, or the state of the previous run. */
export async function reviewLedger(argument: unknown): Promise<LedgerResult> {
  const opened = open(argument);
  if (!opened.ok) return { status: 'refused', reason: opened.reason };
  const host: Host = { state: opened.value, messages: 0 };
  registerRuns(host);
  registerPersons(host);
  setHandler(ledgerQuery, () => toLedgerView(host.state), { description: 'The findings and the runs of the target' });
  describe(host);
  await condition(
    () => (host.messages >= MESSAGES_PER_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished(),
  );
  return continueAsNew<typeof reviewLedger>(host.state);
}

/** @throws UnknownStateVersion */
function open(argument: unknown): Parsed<LedgerState> {
  if (isContinued() && isCarriedState(argument)) return { ok: true, value: toCurrentState(argument) };
  const place = readPlace(argument);
  return place.ok ? { ok: true, value: newLedger(place.value.targetId, place.value.target) } : place;
}

// ------------------------------------------------------------------------------------------------------------- runs

function registerRuns(host: Host): void {
  setHandler(beginRunUpdate, (run) => settle(host, beginRun(host.state, taken(readBeginRun(run)), Date.now())), {
    description: 'From reviews only: asks for the turn of a run',
    validator: (run) => void taken(readBeginRun(run)),
  });
  setHandler(recordRunUpdate, (run) => settle(host, recordRun(host.state, taken(readRecordRun(run)), Date.now())), {
    description: 'From reviews only: what a run has found',
    validator: (run) => void taken(readRecordRun(run)),
  });
  setHandler(
    abandonRunSignal,
    onSignal(host, 'abandonRun', readAbandonRun, (state, run) => abandonRun(state, run)),
    { description: 'Gives up the run under way: { "runId": "nightly/0", "reason": "..." }' },
  );
}

function settle<T>(host: Host, outcome: Outcome<T> | Refusal): T {
  if ('code' in outcome) throw refused(outcome);
  put(host, outcome.state);
  return outcome.answer;
}

// ---------------------------------------------------------------------------------------------------------- persons

const DISMISS = 'Dismisses a finding: { "findingId": "f1", "by": "ann", "why": "not reachable" }';
const REOPEN = 'Takes a dismissal back: { "findingId": "f1", "by": "ann" }';

function registerPersons(host: Host): void {
  const dismissed = (state: LedgerState, value: unknown) =>
    dismissFinding(state, taken(readDismissFinding(value)), Date.now());
  const reopened = (state: LedgerState, value: unknown) => reopenFinding(state, taken(readReopenFinding(value)));
  setHandler(dismissFindingUpdate, onUpdate(host, dismissed), {
    description: DISMISS,
    validator: (value) => void admitted(dismissed(host.state, value)),
  });
  setHandler(reopenFindingUpdate, onUpdate(host, reopened), {
    description: REOPEN,
    validator: (value) => void admitted(reopened(host.state, value)),
  });
  setHandler(
    dismissFindingSignal,
    onSignal(host, 'dismissFinding', readDismissFinding, (state, value) => dismissFinding(state, value, Date.now())),
    { description: DISMISS },
  );
  setHandler(reopenFindingSignal, onSignal(host, 'reopenFinding', readReopenFinding, reopenFinding), {
    description: REOPEN,
  });
}

function onUpdate(host: Host, change: (state: LedgerState, value: unknown) => LedgerState | Refusal) {
  return (value: { findingId: string }): { findingId: string } => {
    put(host, admitted(change(host.state, value)));
    return { findingId: value.findingId };
  };
}

/** A signal has no answer: one that cannot be accepted is logged. */
function onSignal<T>(
  host: Host,
  name: string,
  readValue: (value: unknown) => Parsed<T>,
  change: (state: LedgerState, value: T) => LedgerState | Refusal,
) {
  return (payload: unknown): void => {
    host.messages++;
    const given = readValue(payload);
    const next = given.ok ? change(host.state, given.value) : given;
    if ('reason' in next) log.warn(`${name} was refused: ${next.reason}`);
    else put(host, next);
  };
}

// ------------------------------------------------------------------------------------------------------------ state

function put(host: Host, state: LedgerState): void {
  host.messages++;
  host.state = state;
  describe(host);
}

function describe({ state }: Host): void {
  setCurrentDetails(toLedgerDetails(state));
}

function taken<T>(given: Parsed<T>): T {
  if (given.ok) return given.value;
  throw refused(given);
}

function admitted(next: LedgerState | Refusal): LedgerState {
  if ('code' in next) throw refused(next);
  return next;
}

function refused({ code, reason }: { code: string; reason: string }): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason, code);
}
