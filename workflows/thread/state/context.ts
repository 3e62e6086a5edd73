/**
 * What of the history the model still sees, and how large that is. Everything before the newest compaction that counts is
 * replaced by it.
 *
 * Invariants:
 * 1. The compactions are in the order of the history, and `upTo` of each is at most its own number.
 * 2. Sizes are those that a model counted for this context; a compaction makes them unknown.
 */
import type { TokenUsage } from '../../../src/contract/index.ts';

/** A compaction that counts. */
export interface CountedCompaction {
  /** Number of its item. */
  item: number;
  /** Number of the first item it does not replace. */
  upTo: number;
  /** Number of the first item that is needed beside it: `upTo`, or an earlier one that had not ended then. */
  firstItem: number;
}

export interface ContextState {
  /** Newest last; the newest one decides what the model sees. */
  compactions: CountedCompaction[];
  /** Compactions so far; part of the ids of their actions. */
  begun: number;
  /** Tokens of the last model step, request and answer; null where that is not known. */
  tokens: number | null;
  /** The same for the first step after the newest compaction: less than this no compaction can reach. */
  floor: number | null;
  /** What the last model step was told by its worker; null before it. */
  limit: { model: string; compactAt: number } | null;
}

/** How many compactions are remembered, so that one can be taken back. */
const KNOWN_COMPACTIONS = 500;

/** By how much of its limit a context must have grown since the last compaction, so that the next one is of use. */
const WORTHWHILE = 0.1;

export const NEW_CONTEXT: ContextState = { compactions: [], begun: 0, tokens: null, floor: null, limit: null };

export function newestCompaction(context: ContextState): CountedCompaction | null {
  return context.compactions.at(-1) ?? null;
}

/** Number of the first item that counts. */
export function firstCounted(context: ContextState): number {
  return newestCompaction(context)?.firstItem ?? 0;
}

/** Takes what a model step has said of its size. @param compactAt null where the step was recorded before it was told. */
export function withStep(
  context: ContextState,
  model: string,
  usage: TokenUsage,
  compactAt: number | null,
): ContextState {
  // An endpoint that counts nothing says nothing of the size.
  const tokens = usage.totalTokens === 0 ? null : usage.totalTokens;
  const floor = context.floor ?? (context.compactions.length > 0 ? tokens : null);
  return { ...context, tokens, floor, limit: compactAt === null ? context.limit : { model, compactAt } };
}

export function withCompaction(context: ContextState, compaction: CountedCompaction): ContextState {
  const compactions = [...context.compactions, compaction].slice(-KNOWN_COMPACTIONS);
  return { ...context, compactions, tokens: null, floor: null };
}

/**
 * After turns from that item on were taken out of the conversation: no compaction that stands for one of them counts any
 * more, and what it replaced counts again.
 */
export function withoutCompactionsOver(context: ContextState, firstItem: number): ContextState {
  const compactions = context.compactions.filter(({ upTo }) => upTo <= firstItem);
  const floor = compactions.length === context.compactions.length ? context.floor : null;
  return { ...context, compactions, tokens: null, floor };
}

/** Whether the context has come to its limit, as far as that is known for this model. */
export function isOverLimit(context: ContextState, model: string): boolean {
  const { tokens, floor, limit } = context;
  if (tokens === null || limit?.model !== model) return false;
  return tokens >= Math.max(limit.compactAt, (floor ?? 0) + limit.compactAt * WORTHWHILE);
}
