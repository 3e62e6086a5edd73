/** What a thread begins with, and the rules of its repository. */
import type { ApprovalRule, ArchiveSegment, Fork, RuleMatch, ThreadSettings } from '../../src/contract/index.ts';
import type { CountedCompaction, PastTurn } from '../ports.ts';
import type { OnWorkspace } from './steps.ts';

export interface RuleLookup extends OnWorkspace {
  threadId: string;
  /** The id the thread knows this step by. */
  actionId: string;
  cwd: string;
  /** What is asked for. */
  match: RuleMatch;
}

/** Rules of the repository that may be about it, with paths as the thread names them. */
export interface FoundRules {
  type: 'found';
  rules: ApprovalRule[];
}

export interface OpenedThread extends ThreadSettings {
  /** When, by the worker's clock, in milliseconds since the epoch; earlier releases left it out. */
  openedAt?: number;
  /** A snapshot is also taken at the end of a turn; earlier releases left it out. */
  keepsAfter?: boolean;
  /** What the thread decides anew, `DECISIONS` in `workflows/thread/state/state.ts`; earlier releases left it out. */
  decisions?: 2;
}

export interface ForkRequest {
  /** The new thread. */
  threadId: string;
  source: Fork;
  /** Where it is to work; with a work tree of its own, the path of that, unless it is where the source works. */
  cwd: string;
  /** What tells the model that a turn was cut off. */
  marker: string;
}

/** What a forked thread begins with. Its items are in the archive. */
export interface ForkedPast {
  /** Those of the source, but for where it works. */
  settings: ThreadSettings;
  segments: ArchiveSegment[];
  itemCount: number;
  turns: PastTurn[];
  compactions: CountedCompaction[];
  turnIds: string[];
  /** See {@link OpenedThread}. */
  keepsAfter?: boolean;
  decisions?: 2;
  /** The turn after which it was forked; null where there was none. */
  lastTurnId: string | null;
  warnings: string[];
}
