import { describe, expect, it } from 'vitest';
import { testThread } from '../testing/fixtures.ts';

const TOKENS = {
  inputTokens: 10,
  cachedInputTokens: 4,
  outputTokens: 5,
  reasoningOutputTokens: 1,
  totalTokens: 15,
};

/** One turn of one model step that cost that much. */
function turnThatCosts(thread: ReturnType<typeof testThread>, turnId: string, costMicroUsd: number | null) {
  thread.submit(turnId);
  const { id } = thread.step('callModel');
  thread.done('callModel', { type: 'answered', output: [], usage: TOKENS, costMicroUsd }, id);
}

describe('what a model call costs', () => {
  it('is added up for the turn and for the thread', () => {
    const thread = testThread();
    turnThatCosts(thread, 'a', 7);
    turnThatCosts(thread, 'b', 5);
    expect(thread.completions('b')[0]?.usage).toEqual({ ...TOKENS, costMicroUsd: 5 });
    expect(thread.state.usage).toMatchObject({ totalTokens: 30, costMicroUsd: 12 });
  });

  it('is not known where a part of it is not, and the thread warns of that model once', () => {
    const thread = testThread();
    turnThatCosts(thread, 'a', 7);
    turnThatCosts(thread, 'b', null);
    turnThatCosts(thread, 'c', null);
    expect(thread.state.usage).toMatchObject({ totalTokens: 45, costMicroUsd: null });
    const warnings = thread.events().filter(({ type }) => type === 'warning');
    expect(warnings).toMatchObject([{ message: expect.stringContaining('offline/test') as string }]);
  });

  it('is counted where the answer came too late to be taken', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('callModel', { type: 'answered', output: [], usage: TOKENS, costMicroUsd: 7 }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', usage: { costMicroUsd: 7 } }]);
    expect(thread.state.counters.droppedResults).toBe(1);
  });
});
