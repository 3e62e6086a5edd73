/**
 * The part of the history that the model still sees, and its size. The newest valid compaction replaces everything
 * before it.
 *
 * Invariants:
 * 1. The compactions are in the order of the history, and `upTo` of each is at most its own number.
 * 2. Sizes are those that a model counted for this context; a compaction makes them unknown.
 */
import type { TokenUsage } from '../../../src/contract/index.ts';

/** A compaction that is still valid. */
export interface CountedCompaction {
  /** Number of its item. */
  item: number;
  /** Number of the first item it does not replace. */
  upTo: number;
  /** Number of the first item that is needed in addition: `upTo`, or an earlier one that had not ended then. */
  firstItem: number;
}

export interface ContextState {
  /** Newest last; the newest one decides what the model sees. */
  compactions: CountedCompaction[];
  /** Compactions so far; part of the ids of their actions. */
  begun: number;
  /** Tokens of the last model step, request and answer; null if not known. */
  tokens: number | null;
  /** The same for the first step after the newest compaction: no compaction can make the context smaller than this. */
  floor: number | null;
  /** The limit that the worker gave to the last model step; null before it. */
  limit: { model: string; compactAt: number } | null;
}

/** Number of compactions that are remembered, so that one can be taken back. */
const KNOWN_COMPACTIONS = 500;

/**
 * The fraction of its limit by which a context must have grown since the last compaction to make the next one useful.
 */
const WORTHWHILE = 0.1;

export const NEW_CONTEXT: ContextState = { compactions: [], begun: 0, tokens: null, floor: null, limit: null };

export function newestCompaction(context: ContextState): CountedCompaction | null {
  return context.compactions.at(-1) ?? null;
}

/** Number of the first item that the model sees. */
export function firstCounted(context: ContextState): number {
  return newestCompaction(context)?.firstItem ?? 0;
}

/**
 * Records the size that a model step has reported. @param compactAt null if the step was recorded before steps reported
 * it.
 */
export function withStep(
  context: ContextState,
  model: string,
  usage: TokenUsage,
  compactAt: number | null,
): ContextState {
  // Some endpoints count no tokens and report zero.
  const tokens = usage.totalTokens === 0 ? null : usage.totalTokens;
  const floor = context.floor ?? (context.compactions.length > 0 ? tokens : null);
  return { ...context, tokens, floor, limit: compactAt === null ? context.limit : { model, compactAt } };
}

export function withCompaction(context: ContextState, compaction: CountedCompaction): ContextState {
  const compactions = [...context.compactions, compaction].slice(-KNOWN_COMPACTIONS);
  return { ...context, compactions, tokens: null, floor: null };
}

/**
 * The context without turns that were removed from the conversation, from that item on. A compaction that covers one of
 * them is no longer valid, and the items it replaced are visible again.
 */
export function withoutCompactionsOver(context: ContextState, firstItem: number): ContextState {
  const compactions = context.compactions.filter(({ upTo }) => upTo <= firstItem);
  const floor = compactions.length === context.compactions.length ? context.floor : null;
  return { ...context, compactions, tokens: null, floor };
}

/** Whether the context has reached its limit, as far as the limit is known for this model. */
export function isOverLimit(context: ContextState, model: string): boolean {
  const { tokens, floor, limit } = context;
  if (tokens === null || limit?.model !== model) return false;
  return tokens >= Math.max(limit.compactAt, (floor ?? 0) + limit.compactAt * WORTHWHILE);
}
