/** A turn that talks with a model: what its steps carry, what it shows, and what becomes of the answers. */
import { describe, expect, it } from 'vitest';
import type { StepOutput } from '../../../activities/contract.ts';
import { NO_USAGE } from '../state/state.ts';
import type { StepValue } from '../state/steps.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';

const COMPACTED: StepValue<'compactContext'> = {
  type: 'compacted',
  summary: 'so far',
  userMessages: [],
  provider: null,
  droppedEntries: 0,
  usage: { ...NO_USAGE, totalTokens: 7 },
};

function open(settings: Parameters<typeof testThread>[0] = {}): TestThread {
  const thread = testThread(settings);
  thread.submit('a');
  return thread;
}

type Answer = Partial<Extract<StepValue<'callModel'>, { type: 'answered' }>>;
const MESSAGE: StepOutput = { type: 'message', text: 'hi' };
function answer(thread: TestThread, more: Answer = {}, id?: string): void {
  thread.done('callModel', { type: 'answered', output: [MESSAGE], usage: NO_USAGE, ...more }, id);
}
const fail = (thread: TestThread, code: string) =>
  thread.end('callModel', { type: 'failed', failure: { code, message: `it is ${code}`, details: {} } });
const steer = (thread: TestThread, words: string) =>
  thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'a', input: text(words) } });
const phaseOf = (thread: TestThread) => toThreadView(thread.state).activeTurn?.phase;
const called = (cmd: string): StepOutput => ({
  ...{ type: 'toolCall', callId: cmd, name: 'exec_command' },
  arguments: JSON.stringify(exec(cmd).arguments),
});

describe('the phase of a turn', () => {
  it('is that of its step, and names the calls that run and those that wait', () => {
    const thread = open();
    expect(phaseOf(thread)).toEqual({ type: 'callingModel', step: 1 });
    thread.answer(exec('ls'), exec('make'), exec('make test'));
    expect(phaseOf(thread)).toEqual({ type: 'runningTools', step: 1, running: ['ls'], waiting: ['make', 'make test'] });
    thread.done('execCommand', EXITED);
    expect(phaseOf(thread)).toEqual({ type: 'runningTools', step: 1, running: ['make'], waiting: ['make test'] });
  });

  it('is the wait for an agent task if its model needs one', () => {
    const thread = open({ agentIdentity: { mode: 'recoverable', account: 'acme' } });
    expect(phaseOf(thread)).toEqual({ type: 'waitingForAgentTask' });
  });
});

describe('an answer of the model', () => {
  it('leaves its thoughts in the history, with what belongs to them', () => {
    const thread = open();
    const whole = { type: 'reasoning', summary: ['hm'], id: 'r1', encryptedContent: 'xyz' } as unknown as StepOutput;
    const bare = { type: 'reasoning', summary: ['hm'] } as unknown as StepOutput;
    answer(thread, { output: [whole, bare] });
    const [, first, second] = thread.state.log.items;
    const common = { type: 'reasoning', turnId: 'a', step: 1, summary: ['hm'] };
    expect(first).toStrictEqual({ ...common, id: 'item_1', reasoningId: 'r1', encryptedContent: 'xyz' });
    expect(second).toStrictEqual({ ...common, id: 'item_2' });
  });

  it('has the facts of its environment with its first item, if it has an item', () => {
    const environment = { platform: 'linux' } as never;
    const thread = open();
    answer(thread, { output: [MESSAGE, MESSAGE], environment });
    expect(thread.state.log.items.slice(1)).toMatchObject([{ environment }, {}]);
    expect(thread.state.log.items[2]).not.toHaveProperty('environment');
    expect(thread.state.log.items[0]).not.toHaveProperty('environment');
    const silent = open();
    answer(silent, { output: [], environment });
    expect(silent.state.log.items).toHaveLength(1);
    const plain = open();
    answer(plain);
    expect(plain.state.log.items[1]).not.toHaveProperty('environment');
  });

  it('warns of a server once, until a hundred others have been warned of', () => {
    const thread = open();
    const warned = (server: string) => ({ mcpWarnings: [{ server, message: `${server} is gone` }] });
    answer(thread, { ...warned('first'), output: [called('make')] });
    thread.done('execCommand', EXITED);
    answer(thread, { ...warned('first'), output: [called('make')] });
    thread.done('execCommand', EXITED);
    expect(thread.events().filter(({ type }) => type === 'warning')).toHaveLength(1);
    answer(thread, { mcpWarnings: Array.from({ length: 100 }, (_, n) => ({ server: `${n}`, message: 'gone' })) });
    expect(thread.state.warnedOfServers).toHaveLength(100);
    expect(thread.state.warnedOfServers).not.toContain('first');
  });

  it('that comes too late is dropped, and one that is no answer is not charged', () => {
    const thread = open();
    const { id } = thread.step('callModel');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.done('callModel', { type: 'compactFirst', compactAt: 5 }, id);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(thread.state.counters.droppedResults).toBe(0);
  });
});

describe('input that comes during a turn', () => {
  it('is in the request that has not begun yet, else in the next one', () => {
    const thread = open();
    steer(thread, 'while the model thinks');
    expect(thread.state.log.items).toHaveLength(1);
    answer(thread, { output: [called('make')] });
    steer(thread, 'while a command runs');
    thread.done('execCommand', EXITED);
    expect(thread.state.log.items.slice(-2)).toMatchObject([
      { type: 'userMessage', step: 1, content: text('while the model thinks') },
      { type: 'userMessage', step: 1, content: text('while a command runs') },
    ]);
    const waiting = open({ agentIdentity: { mode: 'recoverable', account: 'acme' } });
    steer(waiting, 'before it began');
    expect(waiting.state.log.items.at(-1)).toMatchObject({
      type: 'userMessage',
      step: 1,
      content: text('before it began'),
    });
  });

  it('of other agents is in the first request of the next turn', () => {
    const thread = testThread();
    thread.dispatch({ type: 'agentMessageReceived', message: { from: 'p', text: 'look here' } });
    thread.submit('a');
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'subAgentNotification', turnId: 'a', step: 0 });
  });
});

describe('a context that is too large for its model', () => {
  const tooLarge = (turnId: string) => {
    const thread = testThread();
    thread.submit('before');
    answer(thread, { compactAt: 1_000, usage: { ...NO_USAGE, totalTokens: 10 } });
    thread.submit(turnId);
    return thread;
  };

  it('is compacted once, the step is begun again under another id, and if it is still too large the turn fails', () => {
    const thread = tooLarge('a');
    const first = thread.step('callModel').id;
    fail(thread, 'contextWindowExceeded');
    expect(phaseOf(thread)).toEqual({ type: 'compacting', trigger: 'overflow' });
    thread.done('compactContext', COMPACTED);
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'contextCompaction', turnId: 'a', step: 0 });
    expect(thread.step('callModel').id).not.toBe(first);
    expect(thread.input('callModel')).toMatchObject({ step: 1, contextTokens: null });
    fail(thread, 'contextWindowExceeded');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed', error: { code: 'contextWindowExceeded' } }]);
  });

  it('fails its turn if there is nothing to compact', () => {
    const thread = open();
    fail(thread, 'contextWindowExceeded');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed' }]);
  });

  it('is charged for a compaction that comes too late, and nothing of it is kept', () => {
    for (const end of [{ type: 'done', value: COMPACTED }, { type: 'aborted' }] as const) {
      const thread = tooLarge('a');
      fail(thread, 'contextWindowExceeded');
      const { id } = thread.step('compactContext');
      thread.dispatch({ type: 'interruptRequested', interrupt: {} });
      expect(thread.completions('a')).toEqual([]);
      thread.end('compactContext', end, id);
      const totalTokens = end.type === 'done' ? 7 : 0;
      expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true, usage: { totalTokens } }]);
      expect(thread.state.log.items.map(({ type }) => type)).not.toContain('contextCompaction');
    }
  });

  it('of a model that nobody has asked yet is compacted first if it says so, else asked all the same, once', () => {
    const thread = open();
    expect(thread.input('callModel').contextTokens).toBeNull();
    const first = thread.step('callModel').id;
    thread.done('callModel', { type: 'compactFirst', compactAt: 5 });
    expect(thread.step('callModel').id).not.toBe(first);
    expect(thread.input('callModel').contextTokens).toBeNull();
    expect(thread.state.context.limit).toEqual({ model: 'offline/test', compactAt: 5 });
    fail(thread, 'contextWindowExceeded');
    expect(thread.completions('a')).toMatchObject([{ status: 'failed' }]);
  });

  it.each([
    ['the same model', {}, null],
    ['another model', { overrides: { model: 'offline/other' } }, 10],
  ])('is told to %s: %j', (_, more, tokens) => {
    const thread = testThread();
    thread.submit('before');
    answer(thread, { compactAt: 1_000, usage: { ...NO_USAGE, totalTokens: 10 } });
    thread.submit('a', 'hi', more);
    expect(thread.input('callModel').contextTokens).toBe(tokens);
  });
});
