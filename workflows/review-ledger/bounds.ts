/** Limits on the size of a ledger, at any age: well below 1 MiB as JSON. Pure. */
import type { KeptFinding, LedgerState } from './state.ts';
import { FINDING_STATES } from '../../src/contract/plain/finding-states.ts';

const KEPT_RUNS = 100;

/** For each state: findings, and bytes of them as JSON. */
const KEPT: Record<KeptFinding['state'], { count: number; bytes: number }> = {
  open: { count: 500, bytes: 350_000 },
  dismissed: { count: 300, bytes: 150_000 },
  fixed: { count: 200, bytes: 100_000 },
};

/** Code units of a closed finding that the newest run did not report. */
const SLIM_BODY = 300;

const encoder = new TextEncoder();

/**
 * Removes open findings above the limit, the least urgent and then the oldest first; of the others, the oldest first.
 */
export function withinBounds(state: LedgerState): LedgerState {
  const findings = state.findings.map(slim);
  const kept = new Set(
    FINDING_STATES.flatMap((word) =>
      mostImportant(
        findings.filter((finding) => finding.state === word),
        KEPT[word],
      ),
    ),
  );
  const forgotten = findings.filter((finding) => !kept.has(finding));
  return {
    ...state,
    runs: state.runs.slice(-KEPT_RUNS),
    findings: findings.filter((finding) => kept.has(finding)),
    findingsForgotten: state.findingsForgotten + forgotten.filter((finding) => finding.state !== 'fixed').length,
  };
}

/** A closed finding needs no code and only a short text. */
function slim(finding: KeptFinding): KeptFinding {
  if (finding.state === 'open' || finding.change !== null) return finding;
  return { ...finding, code: null, body: shorten(finding.body, SLIM_BODY) };
}

function mostImportant(findings: readonly KeptFinding[], most: { count: number; bytes: number }): KeptFinding[] {
  let left = most.bytes;
  const sorted = [...findings].sort(byImportance).slice(0, most.count);
  const beyond = sorted.findIndex((finding) => (left -= encoder.encode(JSON.stringify(finding)).length) < 0);
  return beyond === -1 ? sorted : sorted.slice(0, beyond);
}

const URGENCY_OF_NONE = 4;

/** Open findings by urgency first; then those reported last. */
export function byImportance(a: KeptFinding, b: KeptFinding): number {
  const urgency = a.state === 'open' ? (a.priority ?? URGENCY_OF_NONE) - (b.priority ?? URGENCY_OF_NONE) : 0;
  return urgency || momentOf(b) - momentOf(a) || (a.findingId < b.findingId ? -1 : 1);
}

function momentOf({ fixed, dismissal, lastSeen }: KeptFinding): number {
  return Math.max(lastSeen.at, fixed?.at ?? 0, dismissal?.at ?? 0);
}

/** Never cuts within a character. */
export function shorten(text: string, most: number): string {
  const kept = text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  return kept.replace(/\p{Surrogate}/gu, '\ufffd');
}
