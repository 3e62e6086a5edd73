/**
 * The bounds of `src/contract/limits.ts` once more: workflow code takes types, not values, from the contract. The
 * compiler holds the two to the same numbers.
 */
import type { LIMITS } from '../../src/contract/index.ts';

export const BOUNDS: typeof LIMITS = {
  messageBytes: 1_048_576,
  inputChars: 262_144,
  inputItems: 64,
  idChars: 200,
  shortChars: 2_000,
  pathChars: 4_096,
  instructionsChars: 131_072,
  pageSize: 500,
  queuedTurns: 100,
  pathThreads: 16,
  agentMessageChars: 65_536,
  budgetCount: 1_000_000_000_000,
  budgetUsd: 1_000_000,
  budgetMs: 31_536_000_000,
  batchTargets: 5_000,
  batchTargetsChars: 1_000_000,
  batchConcurrency: 100,
};
