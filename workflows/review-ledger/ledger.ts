/**
 * The events of a ledger: each function takes the state, the request and the time, and returns the next state with the
 * answer. Pure.
 *
 * One run of a target is under way at a time, so two runs have the same effect as one after the other. A run counts
 * once it is recorded; a run that was given up changes nothing.
 */
import type {
  AbandonRun,
  BeginRun,
  DismissFinding,
  KnownFinding,
  LedgerView,
  ReopenFinding,
  RunBeginning,
} from '../../src/contract/index.ts';
import { literalSpan } from '../sandbox/plain-text.ts';
import { byImportance, withinBounds } from './bounds.ts';
import type { KeptFinding, LedgerState } from './state.ts';
import { FINDING_STATES } from '../../src/contract/plain/finding-states.ts';

export interface Outcome<T> {
  state: LedgerState;
  answer: T;
}

/** Why a request is refused; the state is unchanged then. */
export interface Refusal {
  code: 'reviewRunLost' | 'findingUnknown' | 'findingDismissed' | 'findingNotDismissed';
  reason: string;
}

// ------------------------------------------------------------------------------------------------------------- runs

/** Idempotent: the run under way begins again, with its current head. */
export function beginRun(state: LedgerState, run: BeginRun, at: number): Outcome<RunBeginning> {
  const { running } = state;
  if (running !== null && running.runId !== run.runId && running.workflowId !== run.instead) {
    return { state, answer: { type: 'busy', workflowId: running.workflowId } };
  }
  const free = { ...state, running: null };
  const recorded = recordOf(state, run);
  if (recorded !== undefined) {
    const { runId, counts } = recorded;
    return { state: free, answer: { type: 'alreadyReviewed', runId, counts } };
  }
  const { anchor } = state;
  if (anchor !== null && anchor.head === run.head && anchor.rulesId === run.rulesId && !isForced(run)) {
    return { state: free, answer: { type: 'alreadyReviewed', runId: anchor.runId } };
  }
  const { runId, workflowId } = run;
  const since = running?.runId === runId ? running.at : at;
  return {
    state: { ...state, running: { runId, workflowId, at: since } },
    answer: { type: 'begun', anchor: anchor?.head ?? null, full: isFullPassDue(state, run), known: toKnown(state) },
  };
}

/** A batch id may be used again: an earlier record under it is that of another run. */
export function recordOf({ runs }: LedgerState, { runId, startedAt = 0 }: Pick<BeginRun, 'runId' | 'startedAt'>) {
  return runs.findLast((run) => run.runId === runId && run.at >= startedAt);
}

/**
 * Every run, or this one, must examine everything, changed or not. A full pass that is due for another reason waits for
 * a change.
 */
function isForced({ fullPass, fullPassEvery }: BeginRun): boolean {
  return fullPass === true || fullPassEvery === 1;
}

function isFullPassDue({ anchor, runsSinceFull }: LedgerState, run: BeginRun): boolean {
  const { rulesId, fullPassEvery } = run;
  if (anchor === null || anchor.rulesId !== rulesId || isForced(run)) return true;
  return fullPassEvery > 0 && runsSinceFull + 1 >= fullPassEvery;
}

function toKnown({ findings }: LedgerState): KnownFinding[] {
  return findings.map(({ findingId, fingerprint, title, priority, state, seenAt, ...now }) => {
    const { location, head } = seenAt ?? now;
    return { findingId, fingerprint, title, priority, location, state, head };
  });
}

/** A run that is not under way has already ended. */
export function abandonRun(state: LedgerState, { runId }: AbandonRun): LedgerState {
  return state.running?.runId === runId ? { ...state, running: null } : state;
}

// ---------------------------------------------------------------------------------------------------------- persons

/**
 * The same reason twice is idempotent. Another reason is refused, since the first one is on record. A fixed finding can
 * be dismissed, too, and stays dismissed if it comes back.
 */
export function dismissFinding(
  state: LedgerState,
  { findingId, by, why }: DismissFinding,
  at: number,
): LedgerState | Refusal {
  return change(state, findingId, (finding) => {
    const { dismissal } = finding;
    if (dismissal === null) return { ...finding, state: 'dismissed', dismissal: { by, why, at } };
    if (dismissal.by === by && dismissal.why === why) return finding;
    const first = `${dismissal.by} dismissed it on ${new Date(dismissal.at).toISOString()}: ${dismissal.why}`;
    const reason = `Finding ${findingId} is dismissed already: ${first}. Reopen it first to give another reason.`;
    return { code: 'findingDismissed', reason };
  });
}

export function reopenFinding(state: LedgerState, { findingId }: ReopenFinding): LedgerState | Refusal {
  return change(state, findingId, (finding) => {
    if (finding.dismissal === null) {
      const reason = `Finding ${findingId} is ${finding.state}, and was not dismissed.`;
      return { code: 'findingNotDismissed', reason };
    }
    return { ...finding, state: finding.fixed === null ? 'open' : 'fixed', dismissal: null };
  });
}

function change(
  state: LedgerState,
  findingId: string,
  toChanged: (finding: KeptFinding) => KeptFinding | Refusal,
): LedgerState | Refusal {
  const finding = state.findings.find((one) => one.findingId === findingId);
  if (finding === undefined) {
    return { code: 'findingUnknown', reason: `There is no finding ${findingId} in ledger ${state.targetId}.` };
  }
  const changed = toChanged(finding);
  if ('code' in changed && 'reason' in changed) return changed;
  return withinBounds({ ...state, findings: state.findings.map((one) => (one === finding ? changed : one)) });
}

// ------------------------------------------------------------------------------------------------------------- view

export function toLedgerView(state: LedgerState): LedgerView {
  const { targetId, target, anchor, running, runCount, runs, findingsForgotten } = state;
  const sorted = [...state.findings].sort(
    (a, b) => Number(b.state === 'open') - Number(a.state === 'open') || byImportance(a, b),
  );
  const findings = sorted.map(
    ({ head: _head, codeHash: _code, context: _context, seenAt: _seenAt, fixedBy: _fixedBy, ...finding }) => finding,
  );
  const under = running === null ? null : { runId: running.runId, at: running.at };
  return { targetId, target, anchor, running: under, runCount, runs, findings, findingsForgotten };
}

/** Markdown for a person who opens the workflow. */
export function toLedgerDetails({ findings, runs, running, anchor }: LedgerState): string {
  const counts = FINDING_STATES.map((word) => `${findings.filter(({ state }) => state === word).length} ${word}`).join(
    ', ',
  );
  const newest = runs.at(-1);
  const last =
    newest === undefined
      ? 'No run has completed.'
      : `Newest run: ${literalSpan(newest.runId)} at ${literalSpan(newest.head)}.`;
  const now =
    running === null
      ? []
      : [`Under way: ${literalSpan(running.runId)} by workflow ${literalSpan(running.workflowId)}.`];
  return [
    `**Findings:** ${counts}`,
    last,
    ...now,
    ...(anchor === null ? [] : [`Rules: ${literalSpan(anchor.rulesId)}.`]),
  ].join('\n\n');
}
