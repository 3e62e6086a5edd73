import { describe, expect, it } from 'vitest';
import type { StepOutput } from '../../../activities/contract.ts';
import type { Item } from '../../../src/contract/index.ts';
import { toCarryOver } from '../past/carry-over.ts';
import { NO_USAGE } from '../state/state.ts';
import type { StepEnd, StepValue } from '../state/steps.ts';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toContext, toThreadView } from '../view/view.ts';
import { beginCompaction, canCompact, compactionId } from './compaction.ts';

const COMPACT_AT = 1_000;
const SUMMARY: StepValue<'compactContext'> = {
  type: 'compacted',
  summary: 'so far',
  userMessages: ['hello'],
  provider: null,
  usage: { ...NO_USAGE, totalTokens: 7 },
  droppedEntries: 0,
};

/** The model answers, and its request had that many tokens. */
function answerAt(thread: TestThread, tokens: number, output: StepOutput[] = [{ type: 'message', text: 'hi' }]): void {
  const usage = { ...NO_USAGE, totalTokens: tokens };
  const { id } = thread.step('callModel');
  thread.done('callModel', { type: 'answered', output, usage, compactAt: COMPACT_AT }, id);
}

function call(cmd: string): StepOutput {
  const { name, arguments: args } = exec(cmd);
  return { type: 'toolCall', callId: `call_${cmd}`, name, arguments: JSON.stringify(args) };
}

function endCompaction(thread: TestThread, end: StepEnd<'compactContext'> = { type: 'done', value: SUMMARY }): void {
  thread.end('compactContext', end);
}

function failCompaction(thread: TestThread, code: string): void {
  endCompaction(thread, { type: 'failed', failure: { code, message: `it is ${code}`, details: {} } });
}

function runCommand(thread: TestThread): void {
  thread.done('execCommand', EXITED);
}

function submitCompact(thread: TestThread, turnId: string): void {
  thread.dispatch({ type: 'turnSubmitted', turn: { turnId, kind: 'compact', input: [] } });
}

const itemTypes = (thread: TestThread) => thread.state.log.items.map(({ type }) => type);
const compactions = (thread: TestThread) =>
  thread.state.log.items.filter((item): item is Extract<Item, { type: 'contextCompaction' }> => {
    return item.type === 'contextCompaction';
  });

describe('before the first step of a turn', () => {
  it('a context at its limit is compacted up to what the turn says itself', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT);
    thread.submit('b');
    expect(thread.input('compactContext')).toMatchObject({ turnId: 'b', contextVersion: 2, model: 'offline/test' });
    expect(thread.steps('callModel')).toEqual([]);
    endCompaction(thread);
    expect(itemTypes(thread)).toEqual(['userMessage', 'agentMessage', 'userMessage', 'contextCompaction']);
    expect(thread.input('callModel')).toMatchObject({ step: 1, contextVersion: 4 });
    expect(toContext(thread.state, 0)).toMatchObject({ first: 2, compaction: 3, from: 2 });
    answerAt(thread, 10);
    expect(thread.completions('b')).toMatchObject([{ status: 'completed', usage: { totalTokens: 17 } }]);
  });

  it('nothing is compacted below the limit, and not for the one token that is missing', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT - 1);
    thread.submit('b');
    expect(thread.input('callModel')).toMatchObject({ step: 1 });
  });

  it('input that comes while it is compacted is in the first request', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT);
    thread.submit('b');
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'b', input: text('and this') } });
    expect(itemTypes(thread)).toHaveLength(3);
    endCompaction(thread);
    expect(thread.input('callModel')).toMatchObject({ step: 1, contextVersion: 5 });
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'userMessage', content: text('and this'), step: 0 });
  });

  it('that input goes to history where the compaction fails', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT);
    thread.submit('b');
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'b', input: text('and this') } });
    failCompaction(thread, 'modelServerError');
    expect(thread.state.log.items.at(-1)).toMatchObject({
      type: 'userMessage',
      turnId: 'b',
      content: text('and this'),
    });
    expect(thread.completions('b')).toMatchObject([{ status: 'failed', error: { code: 'modelServerError' } }]);
    thread.submit('c');
    expect(thread.input('compactContext')).toMatchObject({ turnId: 'c', contextVersion: 4 });
  });
});

describe('a model whose limit the thread does not know', () => {
  const other = { overrides: { model: 'offline/other' } };

  it('is told the size, and where that is too large, the model before it is asked for the summary', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, 500);
    thread.submit('b', 'hello', other);
    const { contextTokens } = thread.input('callModel');
    expect(contextTokens).toBe(500);
    thread.done('callModel', { type: 'compactFirst', compactAt: 100 });
    expect(thread.input('compactContext')).toMatchObject({ model: 'offline/test', contextVersion: 2 });
    failCompaction(thread, 'modelNotFound');
    expect(thread.input('compactContext')).toMatchObject({ model: 'offline/other', contextVersion: 2 });
    endCompaction(thread);
    expect(thread.input('callModel')).toMatchObject({ step: 1, contextTokens: null });
    expect(compactions(thread)).toMatchObject([{ trigger: 'preTurn', tokensBefore: 500 }]);
    expect(toThreadView(thread.state).context).toMatchObject({ compactAt: 100, tokens: null });
  });

  it('is asked all the same where there is nothing to compact', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT);
    submitCompact(thread, 'c');
    endCompaction(thread);
    thread.submit('b', 'hello', other);
    expect(thread.input('callModel').contextTokens).toBeNull();
  });
});

describe('between two steps', () => {
  it('a context at its limit is compacted with all that was said and done, and the turn continues', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT, [call('make')]);
    expect(thread.steps('compactContext')).toEqual([]);
    runCommand(thread);
    expect(thread.input('compactContext')).toMatchObject({ contextVersion: 2 });
    expect(toThreadView(thread.state).activeTurn?.phase).toEqual({ type: 'compacting', trigger: 'midTurn' });
    endCompaction(thread);
    expect(thread.input('callModel')).toMatchObject({ step: 2, contextVersion: 3 });
    expect(toContext(thread.state, 0)).toMatchObject({ first: 2, compaction: 2 });
  });

  it('it is not compacted again before it has grown by a tenth of its limit', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT, [call('make one')]);
    runCommand(thread);
    endCompaction(thread);
    answerAt(thread, COMPACT_AT + 50, [call('make two')]);
    runCommand(thread);
    answerAt(thread, COMPACT_AT + 149, [call('make three')]);
    runCommand(thread);
    answerAt(thread, COMPACT_AT + 150, [call('make four')]);
    runCommand(thread);
    expect(thread.input('compactContext')).toBeDefined();
    expect(compactions(thread)).toHaveLength(1);
  });

  it('a turn that ends needs none', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT);
    expect(thread.running).toEqual([]);
    expect(thread.completions('a')).toMatchObject([{ status: 'completed' }]);
  });

  it('a run may end in the middle of one, which then begins again and is recorded once', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, COMPACT_AT, [call('make')]);
    runCommand(thread);
    const { id } = thread.step('compactContext');
    const state = JSON.parse(JSON.stringify(toCarryOver(thread.state).carriedOver)) as typeof thread.state;
    thread.restart(state);
    thread.dispatch({ type: 'runContinued' });
    expect(thread.step('compactContext').id).toBe(id);
    endCompaction(thread);
    thread.done('compactContext', SUMMARY, id);
    expect(compactions(thread)).toHaveLength(1);
    expect(thread.state.counters.droppedResults).toBe(1);
  });
});

describe('a model that takes no more', () => {
  const tooLong = { code: 'contextWindowExceeded', message: 'too long', details: {} };
  const fail = (thread: TestThread) => thread.end('callModel', { type: 'failed', failure: tooLong });

  it('is asked once more after a compaction, and not twice', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, 10);
    thread.submit('b');
    fail(thread);
    endCompaction(thread);
    expect(thread.input('callModel')).toMatchObject({ step: 1 });
    fail(thread);
    expect(thread.completions('b')).toMatchObject([{ status: 'failed', error: { code: 'contextWindowExceeded' } }]);
    expect(compactions(thread)).toMatchObject([{ trigger: 'overflow' }]);
  });

  it('may take no more again in a later step of the same turn', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, 10);
    thread.submit('b');
    fail(thread);
    endCompaction(thread);
    answerAt(thread, 10, [call('make')]);
    runCommand(thread);
    fail(thread);
    expect(thread.input('compactContext')).toMatchObject({ contextVersion: 5 });
  });
});

describe('a command of the person that has not ended', () => {
  it('is told once it has, although what stood beside it was replaced', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, 10);
    submitCompact(thread, 'c');
    thread.submit('beside', 'sleep 9', { kind: 'user_shell' });
    endCompaction(thread);
    submitCompact(thread, 'd');
    const shell = thread.state.log.items.findIndex(({ turnId }) => turnId === 'beside');
    endCompaction(thread);
    expect(compactions(thread).at(-1)).toMatchObject({ keptItems: [shell], upTo: thread.state.log.items.length - 1 });
    expect(toContext(thread.state, 0).first).toBe(shell);
  });
});

describe('the agent task', () => {
  it('is waited for, and renewed once where it is found unfit', () => {
    const thread = testThread({ agentIdentity: { mode: 'recoverable', account: 'default' } });
    const register = (taskId: string) => {
      const task = { agentRuntimeId: 'r', taskId, registeredAt: '2026-01-01T00:00:00Z' };
      thread.done('registerAgentTask', { task, currentRuntimeId: 'r', unusedTasks: 0 });
    };
    register('one');
    thread.submit('a');
    answerAt(thread, 10);
    submitCompact(thread, 'c');
    expect(thread.input('compactContext').agentTask?.taskId).toBe('one');
    failCompaction(thread, 'agentTaskStale');
    expect(thread.steps('compactContext')).toEqual([]);
    expect(toThreadView(thread.state).activeTurn?.phase).toEqual({ type: 'waitingForAgentTask' });
    register('two');
    expect(thread.input('compactContext').agentTask?.taskId).toBe('two');
    failCompaction(thread, 'agentTaskStale');
    expect(thread.completions('c')).toMatchObject([{ status: 'failed', error: { code: 'agentTaskStale' } }]);
  });
});

describe('what a compaction covers', () => {
  const counted = (item: number, upTo: number) => ({ item, upTo, firstItem: upTo });
  const state = (...compacted: { item: number; upTo: number; firstItem: number }[]) => {
    const { state } = testThread();
    return { ...state, context: { ...state.context, compactions: compacted } };
  };

  it.each([
    ['nothing before the first item', [], 0, false],
    ['everything before an item', [], 1, true],
    ['not only the compaction before it', [counted(4, 4)], 5, false],
    ['an item after the compaction before it', [counted(4, 4)], 6, true],
    ['an item that the one before it left out', [counted(4, 3)], 5, true],
    ['nothing new up to where the one before it ended', [counted(9, 4)], 4, false],
    ['an item before the one before it was written', [counted(9, 4)], 5, true],
    ['nothing new with the one before it right there', [counted(4, 4)], 4, false],
  ])('is %s', (_, compacted, upTo, possible) => {
    expect(canCompact(state(...compacted), upTo)).toBe(possible);
  });

  it('leaves out what has not ended, and its number tells it from others', () => {
    const item = (status: string) => ({ type: 'commandExecution', status }) as unknown as Item;
    const before = state();
    const items = ['inProgress', 'completed', 'inProgress', 'inProgress'].map(item);
    const begin = (given: typeof before) =>
      beginCompaction(given, 5, { trigger: 'manual', upTo: 12, model: 'offline/test' });
    const { state: begun, compaction } = begin({ ...before, log: { ...before.log, items, firstItem: 10 } });
    expect(compaction).toMatchObject({ number: 1, keptItems: [10], tries: 0, since: 5 });
    expect(compactionId(begin(begun).compaction)).not.toBe(compactionId(compaction));
  });

  it('says how long it took, and from the second one on that something is lost', () => {
    const thread = testThread();
    for (const turnId of ['a', 'b', 'c']) {
      thread.submit(turnId);
      answerAt(thread, 10);
      submitCompact(thread, `compact-${turnId}`);
      thread.at += 99;
      endCompaction(thread);
      expect(compactions(thread).at(-1)).toMatchObject({ durationMs: 100, turnId: `compact-${turnId}`, step: 0 });
    }
    const lossy = { message: expect.stringContaining('compacted several times') as string };
    expect(thread.events().filter(({ type }) => type === 'warning')).toMatchObject([lossy, lossy]);
  });

  it('fails its turn if it was stopped by nobody', () => {
    const thread = testThread();
    thread.submit('a');
    answerAt(thread, 10);
    submitCompact(thread, 'c');
    endCompaction(thread, { type: 'aborted' });
    expect(thread.completions('c')).toMatchObject([{ status: 'failed', error: { code: 'internal' } }]);
    expect(compactions(thread)).toEqual([]);
  });

  it('does not begin before the agent task is there', () => {
    const thread = testThread({ agentIdentity: { mode: 'recoverable', account: 'acme' } });
    submitCompact(thread, 'c');
    expect(thread.steps('compactContext')).toEqual([]);
  });
});
