import type { ThreadHandle } from '../src/client/index.ts';
import type { Spent } from './record.ts';

/** Of the thread and of all threads below it. */
export async function readSpent(thread: ThreadHandle): Promise<Spent> {
  const { usage, budget } = await thread.view();
  const { tokens, steps, costMicroUsd } = budget.tree.spent;
  return {
    inputTokens: usage.inputTokens,
    cachedInputTokens: usage.cachedInputTokens,
    outputTokens: usage.outputTokens,
    reasoningOutputTokens: usage.reasoningOutputTokens,
    totalTokens: tokens,
    modelCalls: steps,
    // The sum of the tree leaves out calls that have no price.
    costMicroUsd: usage.costMicroUsd === null ? null : costMicroUsd,
  };
}
