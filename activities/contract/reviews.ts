/** Reviews, targets of batches and ledgers. */
import type {
  BatchTarget,
  FileLeftOut,
  FindingCounts,
  LedgerView,
  ReviewOutput,
  ReviewRange,
  ReviewTarget,
  RunRecorded,
} from '../../src/contract/index.ts';
import type { OnWorkspace } from './steps.ts';
import type { Elsewhere } from './threads.ts';

export interface ReviewPreparation extends OnWorkspace {
  threadId: string;
  /** The thread's id for this step. */
  actionId: string;
  cwd: string;
  target: ReviewTarget;
}

export interface PreparedReview {
  type: 'prepared';
  /** The only message of the review's conversation. */
  prompt: string;
  /** Null if there are no changes to compare with. */
  range: ReviewRange | null;
  /** The repository's rules for reviews, as of the base; earlier releases leave it out. */
  rules?: string;
  /**
   * The commit that must stay checked out while the review reads files on disk; left out if it reads none, and by
   * earlier releases.
   */
  checkedOut?: string;
}

export interface ReviewConclusion extends OnWorkspace {
  threadId: string;
  turnId: string;
  /** The thread's id for this step. */
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

/** The target of a batch to open, and the workflow that opens it. */
export interface TargetOpening {
  /** The workflow that requests it, in the member that steps of threads use. */
  threadId: string;
  actionId: string;
  workflowId: string;
  runId: string;
  targetId: string;
  target: BatchTarget;
  fullPassEvery: number;
  /** This run is a full pass; no if left out. */
  fullPass?: boolean;
  /** When the run began, in milliseconds since the epoch; earlier releases leave it out. */
  startedAt?: number;
  /** Null for the workers' default. */
  model: string | null;
  instructions: string;
  /** Asked of one host, which takes the target if its folder is there. */
  ifThere?: true;
}

export interface TargetPart {
  /** The only message of its conversation. */
  prompt: string;
  /** Ids of the open findings that it was asked about; empty in earlier releases. */
  known?: string[];
}

export type OpenedTarget =
  | {
      type: 'opened';
      /** Root of a work tree with the commits. */
      cwd: string;
      base: string;
      head: string;
      full: boolean;
      rulesId: string;
      model: string;
      /** The repository's rules for reviews; earlier releases leave it out. */
      rules?: string;
      /** Empty if everything that changed was left out. */
      parts: TargetPart[];
      filesLeftOut: number;
      /** The first of them with the reasons; earlier releases leave it out. */
      leftOut?: FileLeftOut[];
      /** Findings that its ledger knew. */
      known: number;
      /** Whether the commit under review is checked out in `cwd`; earlier releases leave it out. */
      isThere?: boolean;
      /** The host that has it; earlier releases leave it out. */
      host?: string;
      /** Milliseconds that its steps wait for that host before the target is tried on another one; earlier releases leave it out. */
      hostGraceMs?: number;
    }
  /** These hosts must be asked. */
  | Elsewhere
  | {
      type: 'alreadyReviewed';
      head: string;
      /** If this run has recorded it before; earlier releases leave it out. */
      counts?: FindingCounts;
    }
  /** Another run of the target is under way. */
  | { type: 'busy' }
  | { type: 'aborted' };

/** The answers of a target's threads. */
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
  /** For each text, the ids that its review was asked about; earlier releases leave it out. */
  asked?: string[][];
  fullPass?: boolean;
  /** When the run began, in milliseconds since the epoch; earlier releases leave it out. */
  startedAt?: number;
  /** The value from when the target was opened. */
  filesLeftOut: number;
  known: number;
}

export type TargetConcluded = ({ type: 'concluded' } & RunRecorded) | { type: 'aborted' };

export interface LedgerReading {
  threadId: string;
  actionId: string;
  targetId: string;
}

/** Null for a target whose review never began. */
export type LedgerRead = { type: 'read'; ledger: LedgerView | null } | { type: 'aborted' };
