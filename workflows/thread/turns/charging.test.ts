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

  it('leaves its turn quiet if the answer came too late', () => {
    const thread = testThread();
    thread.submit('a');
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('callModel', { type: 'answered', output: [], usage: TOKENS, costMicroUsd: 7 }, id);
    expect(thread.completions('a')).toMatchObject([{ quiescent: true }]);
  });

  it('is warned of again after a hundred other models without a price', () => {
    const thread = testThread();
    for (let n = 0; n <= 100; n++) {
      thread.submit(`${n}`, 'hello', { overrides: { model: `model-${n}` } });
      thread.done('callModel', { type: 'answered', output: [], usage: TOKENS, costMicroUsd: null });
    }
    expect(thread.state.unpriced).toHaveLength(100);
    expect(thread.state.unpriced[0]).toBe('model-1');
  });

  it.each([
    [{ tree: { tokens: 1_000 } }, [15, 30]],
    [{}, [30]],
  ])(
    'is reported to the thread above after each step if the tree has a budget, else at the end: %j',
    (budget, told) => {
      const thread = testThread({ budget, parent: { threadId: 'p', path: ['p'], role: 'agent' } });
      thread.submit('a');
      const call = { type: 'toolCall', callId: 'c', name: 'update_plan', arguments: '{"plan":[]}' } as const;
      thread.done('callModel', { type: 'answered', output: [call], usage: TOKENS, costMicroUsd: 7 });
      thread.done('callModel', { type: 'answered', output: [], usage: TOKENS, costMicroUsd: 7 });
      const tokens = thread.state.outbox.flatMap(({ message }) =>
        message.signal === 'subThreadReport' && message.payload.report.type === 'usage'
          ? [message.payload.report.spent.tokens]
          : [],
      );
      expect([...new Set(tokens)]).toEqual(told);
    },
  );
});
