/** Runs a ledger over findings whose identity is known, and counts how often it sees the same. */
import { createGit } from '../../src/adapters/git/git.ts';
import { observeFindings, trackFindings } from '../../activities/review/observe.ts';
import type { RunBeginning } from '../../src/contract/index.ts';
import { beginRun } from '../../workflows/review-ledger/ledger.ts';
import { recordRun } from '../../workflows/review-ledger/record.ts';
import { type LedgerState, newLedger } from '../../workflows/review-ledger/state.ts';
import type { Finding } from './lint.ts';

export interface Reviewed {
  state: LedgerState;
  /** Id in the ledger of each finding, in their order. */
  ids: string[];
}

const git = createGit({ directory: '/nonexistent' });

/** One full run over a commit; everything that is found is said. */
export async function review(
  before: LedgerState | null,
  place: { cwd: string; head: string },
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<Reviewed> {
  const state = before ?? newLedger('bench', { repository: place.cwd });
  const runId = `bench/${state.runCount}`;
  const { head } = place;
  const run = { runId, workflowId: runId, instead: null, head, rulesId: 'rules', fullPassEvery: 1 };
  const begun = beginRun(state, run, state.runCount);
  const { known } = begun.answer as Extract<RunBeginning, { type: 'begun' }>;
  const observed = await observeFindings({ git }, { ...place, findings }, signal);
  const tracked = await trackFindings({ git }, { ...place, known }, signal);
  // A score has no part in what is compared, so it can say which finding is which.
  const numbered = observed.map((one, index) => ({ ...one, confidenceScore: index / observed.length }));
  const facts = {
    runId,
    base: head,
    head,
    full: true,
    rulesId: 'rules',
    looked: null,
    verdicts: [],
    findingsLeftOut: 0,
  };
  const outcome = recordRun(begun.state, { ...facts, findings: numbered, tracked }, state.runCount);
  if ('code' in outcome) throw new Error(outcome.reason);
  const byNumber = new Map(
    outcome.state.findings
      .filter(({ lastSeen }) => lastSeen.runId === runId)
      .map(({ findingId, confidenceScore }) => [confidenceScore, findingId]),
  );
  return { state: outcome.state, ids: numbered.map(({ confidenceScore }) => byNumber.get(confidenceScore) ?? '') };
}

export interface Tally {
  /** Findings that are known to be the same. */
  same: number;
  kept: number;
  /** Taken for new ones. */
  lost: number;
  /** Given the identity of another one that is still there, or of another rule. */
  mistaken: number;
  /** Given the identity of one of the same rule whose line was changed or is gone. Nobody can say whether it is that one. */
  unsure: number;
  /** All that was found. */
  found: number;
}

/**
 * @param before the findings that were known, with their ids.
 * @param sameAs for each finding now the index of the one it is in `before`; null where it is new.
 */
export function count(
  before: { findings: readonly Finding[]; ids: readonly string[] },
  now: { findings: readonly Finding[]; ids: readonly string[] },
  sameAs: readonly (number | null)[],
): Tally {
  const indexOf = new Map(before.ids.map((id, index) => [id, index]));
  const stillThere = new Set(sameAs.filter((index) => index !== null));
  const tally: Tally = { same: 0, kept: 0, lost: 0, mistaken: 0, unsure: 0, found: now.ids.length };
  for (const [n, id] of now.ids.entries()) {
    const same = sameAs[n] ?? null;
    const taken = indexOf.get(id) ?? null;
    if (same !== null) tally.same++;
    if (taken === same) {
      if (same !== null) tally.kept++;
    } else if (taken === null) tally.lost++;
    else if (stillThere.has(taken) || before.findings[taken]!.rule !== now.findings[n]!.rule) tally.mistaken++;
    else tally.unsure++;
  }
  return tally;
}
