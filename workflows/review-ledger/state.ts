/** The state of a ledger. Plain JSON with a version; pure. */
import type {
  BatchTarget,
  FindingLocation,
  LedgerFinding,
  LedgerRun,
  LedgerView,
  ObservedFinding,
} from '../../src/contract/index.ts';

export const STATE_VERSION = 1;

/** A finding, and the properties that identify it. */
export interface KeptFinding extends LedgerFinding {
  /** Full id of the commit in which `location` is valid. */
  head: string;
  codeHash: string | null;
  context: ObservedFinding['context'];
  /**
   * The place where a reviewer last saw its code, if the code has changed since; null or left out if that is `location`
   * in `head`.
   */
  seenAt?: { head: string; location: FindingLocation } | null;
  /** Why it is fixed; null or left out if it is not, or if an earlier release marked it. */
  fixedBy?: 'code' | 'reviewer' | null;
}

/** The run under way. */
export interface OpenRun {
  runId: string;
  workflowId: string;
  at: number;
}

export interface LedgerState {
  version: typeof STATE_VERSION;
  targetId: string;
  target: BatchTarget;
  running: OpenRun | null;
  anchor: LedgerView['anchor'];
  /** Completed runs. */
  runCount: number;
  /** Completed runs since the last full pass. */
  runsSinceFull: number;
  /** The newest ones, oldest first. */
  runs: LedgerRun[];
  findings: KeptFinding[];
  /** Number of findings so far; it numbers the next one. */
  findingCount: number;
  findingsForgotten: number;
}

export function newLedger(targetId: string, target: BatchTarget): LedgerState {
  return {
    ...{ version: STATE_VERSION, targetId, target, running: null, anchor: null },
    ...{ runCount: 0, runsSinceFull: 0, runs: [], findings: [], findingCount: 0, findingsForgotten: 0 },
  };
}
