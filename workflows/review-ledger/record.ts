/** The effects of a completed run. Pure. */
import type {
  FindingCounts,
  FindingVerdict,
  LedgerMoment,
  ObservedFinding,
  RunRecorded,
  TrackedFinding,
} from '../../src/contract/index.ts';
import { withinBounds } from './bounds.ts';
import type { RunRecord } from './guards.ts';
import { type Outcome, type Refusal, recordOf } from './ledger.ts';
import { isSaidTwice, matchFindings } from './match.ts';
import type { KeptFinding, LedgerState } from './state.ts';
import { hashOf, wordsOf } from './words.ts';

/** Idempotent: a recorded run gets the same answer again. A run that is not under way is refused. */
export function recordRun(state: LedgerState, run: RunRecord, at: number): Outcome<RunRecorded> | Refusal {
  const recorded = recordOf(state, run);
  if (recorded !== undefined) return { state, answer: { counts: recorded.counts, open: recorded.open } };
  if (state.running?.runId !== run.runId) {
    const now = state.running === null ? 'no run is under way' : `run ${state.running.runId} is under way`;
    return {
      code: 'reviewRunLost',
      reason: `Run ${run.runId} of ${state.targetId} was given up meanwhile: ${now}. Nothing of it was kept.`,
    };
  }
  const moment: LedgerMoment = { runId: run.runId, head: run.head, at };
  const observed = withoutRepeats(run.findings);
  const matched = matchFindings(state.findings, observed, run.tracked);
  const seen = new Map(matched.flatMap((id, index) => (id === null ? [] : [[id, observed[index]] as const])));
  const tracked = new Map(run.tracked.map((one) => [one.findingId, one]));
  const verdicts = run.verdicts && new Map(run.verdicts.map(({ findingId, verdict }) => [findingId, verdict]));
  const known = state.findings.map((finding) => {
    const again = seen.get(finding.findingId);
    if (again !== undefined) return seenAgain(finding, again, moment);
    const trace = tracked.get(finding.findingId);
    if (verdicts === null) return notSeenByEarlierRelease(finding, run, trace, moment);
    return notSeen(finding, run, { trace, verdict: verdicts.get(finding.findingId) }, moment);
  });
  const fresh = observed.filter((_, index) => matched[index] === null);
  const findings = withNew(known, fresh, state.findingCount, moment);
  const counts = countChanges(findings);
  return conclude({ ...state, findings, findingCount: state.findingCount + fresh.length }, run, counts, at);
}

function conclude(state: LedgerState, run: RunRecord, counts: FindingCounts, at: number): Outcome<RunRecorded> {
  const { runId, base, head, full, rulesId } = run;
  const bounded = withinBounds({ ...state, findingsForgotten: state.findingsForgotten + run.findingsLeftOut });
  const open = bounded.findings.filter((finding) => finding.state === 'open').length;
  const next = withinBounds({
    ...bounded,
    running: null,
    anchor: { runId, head, rulesId, at },
    runCount: state.runCount + 1,
    runsSinceFull: full ? 0 : state.runsSinceFull + 1,
    runs: [...state.runs, { runId, at, base, head, full, rulesId, counts, open }],
  });
  return { state: next, answer: { counts, open } };
}

/** Merges findings with the same text at the same place, for example from two parts of a review. */
function withoutRepeats(findings: readonly ObservedFinding[]): ObservedFinding[] {
  const kept: ObservedFinding[] = [];
  for (const finding of findings) if (!kept.some((one) => isSaidTwice(one, finding))) kept.push(finding);
  return kept;
}

// ---------------------------------------------------------------------------------------------------- known findings

function seenAgain(finding: KeptFinding, seen: ObservedFinding, moment: LedgerMoment): KeptFinding {
  const now = { ...finding, ...seen, head: moment.head, lastSeen: moment, seenAt: null, fixedBy: null };
  switch (finding.state) {
    case 'open':
      return { ...now, change: 'unchanged' };
    case 'dismissed':
      return { ...now, change: 'dismissed', fixed: null };
    case 'fixed':
      return { ...now, state: 'open', change: 'reopened', fixed: null, reopenings: finding.reopenings + 1 };
  }
}

/** The facts about a known finding that the run did not find again. */
interface Evidence {
  /** Undefined if it could not be followed to the head of the run. */
  trace: TrackedFinding | undefined;
  /** Undefined if the reviewer did not mention it. */
  verdict: FindingVerdict['verdict'] | undefined;
}

/** A dismissed finding stays dismissed: a review may find it on one day and not on the next. */
function notSeen(finding: KeptFinding, run: RunRecord, evidence: Evidence, moment: LedgerMoment): KeptFinding {
  if (isBack(finding, evidence)) return reopen(finding, run, evidence);
  const moved = follow(finding, evidence, run);
  if (finding.state !== 'open') return { ...moved, change: null };
  if (isFixed(finding, run, evidence)) {
    const fixedBy = evidence.verdict === 'fixed' ? 'reviewer' : 'code';
    return { ...moved, state: 'fixed', change: 'fixed', fixed: moment, fixedBy };
  }
  if (evidence.verdict === 'stillThere') return { ...moved, change: 'unchanged', lastSeen: moment };
  return { ...moved, change: isLookedAt(finding, run, evidence.trace) ? 'unchanged' : null };
}

/** It was fixed because its code was gone, and the code has come back: no reviewer needs to confirm that. */
function isBack({ state, fixedBy }: KeptFinding, { trace }: Evidence): boolean {
  if (state !== 'fixed' || fixedBy !== 'code' || trace === undefined) return false;
  return trace.whole === true || (trace.location !== null && !trace.changed);
}

function reopen(finding: KeptFinding, run: RunRecord, evidence: Evidence): KeptFinding {
  const open = { ...finding, state: 'open', fixed: null, fixedBy: null, reopenings: finding.reopenings + 1 } as const;
  return { ...follow(open, evidence, run), change: 'reopened' };
}

/**
 * A finding is not fixed only because a reviewer does not find it again. It is fixed if its code is gone, or if its
 * lines changed and the reviewer, asked about it, confirms it. For a finding without lines, the reviewer's answer in a
 * full pass decides.
 */
function isFixed(finding: KeptFinding, run: RunRecord, { trace, verdict }: Evidence): boolean {
  if (verdict === 'stillThere') return false;
  if (!hasLines(finding)) return run.full && verdict === 'fixed';
  if (trace === undefined) return false;
  // If some findings had to be left out, the missing one may be among them.
  return verdict === 'fixed' ? trace.changed : trace.gone && run.findingsLeftOut === 0;
}

function hasLines({ location, code, codeHash }: KeptFinding): boolean {
  return location !== null && (code !== null || codeHash !== null);
}

/**
 * A place moves with its lines; that of an open finding also moves to their replacement. The code that a reviewer saw
 * stays the evidence until a reviewer confirms the replacement.
 */
function follow(finding: KeptFinding, { trace, verdict }: Evidence, { head }: RunRecord): KeptFinding {
  const location = trace?.location ?? (finding.state === 'open' ? (trace?.near ?? null) : null);
  if (trace === undefined || location === null) return finding;
  const { code } = finding;
  const shift = location.startLine - (finding.location?.startLine ?? location.startLine);
  const moved = code && { ...code, startLine: Math.max(1, code.startLine + shift) };
  const seenAt = trace.changed && verdict !== 'stillThere' ? placeSeen(finding) : null;
  return { ...finding, location, head, seenAt, code: moved, ...(finding.state === 'open' ? trace.now : {}) };
}

function placeSeen({ seenAt, head, location }: KeptFinding): NonNullable<KeptFinding['seenAt']> | null {
  return seenAt ?? (location && { head, location });
}

function isLookedAt({ location }: KeptFinding, { looked }: RunRecord, trace: TrackedFinding | undefined): boolean {
  if (looked === null) return true;
  const places = [location, trace?.location ?? null, trace?.near ?? null];
  return places.some((place) => place !== null && looked.includes(place.path));
}

/** The rules for a run that an earlier release recorded, so that a replayed ledger reaches the same state. */
function notSeenByEarlierRelease(
  finding: KeptFinding,
  run: RunRecord,
  trace: TrackedFinding | undefined,
  moment: LedgerMoment,
): KeptFinding {
  const moved = trace?.location == null ? finding : { ...finding, location: trace.location, head: run.head };
  if (finding.state !== 'open') return { ...moved, change: null };
  const gone = trace !== undefined && trace.location === null;
  const paths = [finding.location, trace?.location ?? null].flatMap((place) => place?.path ?? []);
  const looked = run.full || run.looked === null || paths.some((path) => run.looked?.includes(path));
  if (!gone && (run.findingsLeftOut > 0 || !looked)) return { ...moved, change: null };
  return { ...moved, state: 'fixed', change: 'fixed', fixed: moment };
}

function countChanges(findings: readonly KeptFinding[]): FindingCounts {
  const count = (change: KeptFinding['change']) => findings.filter((finding) => finding.change === change).length;
  return {
    new: count('new'),
    unchanged: count('unchanged'),
    reopened: count('reopened'),
    fixed: count('fixed'),
    dismissed: count('dismissed'),
  };
}

// ------------------------------------------------------------------------------------------------------ new findings

function withNew(
  known: readonly KeptFinding[],
  fresh: readonly ObservedFinding[],
  count: number,
  moment: LedgerMoment,
): KeptFinding[] {
  const fingerprints = new Set(known.map(({ fingerprint }) => fingerprint));
  const added = fresh.map((seen, index): KeptFinding => {
    const fingerprint = newFingerprint(seen, fingerprints);
    fingerprints.add(fingerprint);
    return {
      ...seen,
      findingId: `f${count + index + 1}`,
      fingerprint,
      head: moment.head,
      state: 'open',
      change: 'new',
      firstSeen: moment,
      lastSeen: moment,
      fixed: null,
      dismissal: null,
      reopenings: 0,
    };
  });
  return [...known, ...added];
}

/** The same finding in two places gets two fingerprints. */
function newFingerprint({ title, codeHash, context, location }: ObservedFinding, taken: ReadonlySet<string>): string {
  const facts = [[...wordsOf(title)].sort(), codeHash, context.before, context.after, location?.path ?? null];
  for (let nth = 0; ; nth++) {
    const text = JSON.stringify([...facts, nth]);
    const fingerprint = hashOf(text) + hashOf(`${text} once more`);
    if (!taken.has(fingerprint)) return fingerprint;
  }
}
