/** Reviews, targets of batches and ledgers. */
import type {
  BatchTarget,
  FileLeftOut,
  LedgerView,
  ReviewOutput,
  ReviewRange,
  ReviewTarget,
  RunRecorded,
} from '../../src/contract/index.ts';
import type { OnWorkspace } from './steps.ts';

export interface ReviewPreparation extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  target: ReviewTarget;
}

export interface PreparedReview {
  type: 'prepared';
  /** The one message of the review's conversation. */
  prompt: string;
  /** Null where there are no changes to compare with. */
  range: ReviewRange | null;
  /** What the repository has its reviews mind, as of the base; earlier releases leave it out. */
  rules?: string;
  /** What must stay checked out while the review looks at files on disk; left out if it does not, and by earlier releases. */
  checkedOut?: string;
}

export interface ReviewConclusion extends OnWorkspace {
  threadId: string;
  turnId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  range: ReviewRange | null;
  /** The last message of the review. */
  text: string;
}

export interface ReviewConcluded {
  type: 'concluded';
  output: ReviewOutput;
}

/** Where a target of a batch is to be opened and what by. */
export interface TargetOpening {
  /** The workflow that asks, under the name that steps of threads have. */
  threadId: string;
  actionId: string;
  workflowId: string;
  runId: string;
  targetId: string;
  target: BatchTarget;
  fullPassEvery: number;
  /** Everything is looked at in this run; left out for no. */
  fullPass?: boolean;
  /** Null for the workers' own. */
  model: string | null;
  instructions: string;
}

export interface TargetPart {
  /** The one message of its conversation. */
  prompt: string;
  /** Ids of the open findings that it was asked about; earlier releases asked about none. */
  known?: string[];
}

export type OpenedTarget =
  | {
      type: 'opened';
      /** Root of a work tree that has the commits. */
      cwd: string;
      base: string;
      head: string;
      full: boolean;
      rulesId: string;
      model: string;
      /** What the repository has its reviews mind; earlier releases leave it out. */
      rules?: string;
      /** None where all that changed was left out. */
      parts: TargetPart[];
      filesLeftOut: number;
      /** The first of them with why; earlier releases leave it out. */
      leftOut?: FileLeftOut[];
      /** Findings that its ledger knew. */
      known: number;
      /** Whether what lies in `cwd` is the commit under review; earlier releases leave it out. */
      isThere?: boolean;
    }
  | { type: 'alreadyReviewed'; head: string }
  /** Another run of the target is under way. */
  | { type: 'busy' }
  | { type: 'aborted' };

/** What the threads of a target said. */
export interface TargetConclusion {
  threadId: string;
  actionId: string;
  runId: string;
  targetId: string;
  target: BatchTarget;
  fullPassEvery: number;
  cwd: string;
  base: string;
  head: string;
  full: boolean;
  rulesId: string;
  model: string;
  texts: string[];
  /** For each text the ids that its review was asked about; earlier releases leave it out. */
  asked?: string[][];
  fullPass?: boolean;
  /** As the target was opened with them. */
  filesLeftOut: number;
  known: number;
}

export type TargetConcluded = ({ type: 'concluded' } & RunRecorded) | { type: 'aborted' };

export interface LedgerReading {
  threadId: string;
  actionId: string;
  targetId: string;
}

/** Null for a target of which no review was ever begun. */
export type LedgerRead = { type: 'read'; ledger: LedgerView | null } | { type: 'aborted' };
