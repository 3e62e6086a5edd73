import { expect, it } from 'vitest';
import { actionIds } from '../state/actions.ts';
import { toThreadView } from '../view/view.ts';
import { type TestThread, testThread, text } from '../testing/fixtures.ts';

function open(input = text('in folder a')): TestThread {
  const thread = testThread();
  thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'a', kind: 'custom', task: 'count', input } });
  return thread;
}

const ended = (thread: TestThread) => thread.events().find(({ type }) => type === 'turn/completed');

it('runs step by step: each gets the state that the step before it left, and its messages enter the history', () => {
  const thread = open();
  expect(thread.input('runTask')).toMatchObject({ task: 'count', turnId: 'a', step: 1, state: null, inputItem: 0 });
  thread.done('runTask', { type: 'next', state: { at: 7 }, message: 'one' });
  expect(thread.input('runTask')).toMatchObject({ step: 2, state: { at: 7 } });
  expect(thread.step('runTask')).toMatchObject({
    id: actionIds.task('a', 2),
    onWorkspace: true,
    summary: 'task: count step 2',
  });
  thread.done('runTask', { type: 'next', state: 0, message: null });
  thread.done('runTask', { type: 'done', message: 'three' });
  expect(thread.state.log.items).toMatchObject([
    { type: 'userMessage', content: text('in folder a') },
    { type: 'agentMessage', step: 1, text: 'one' },
    { type: 'agentMessage', step: 3, text: 'three' },
  ]);
  expect(ended(thread)).toMatchObject({ turn: { kind: 'custom', status: 'completed', lastAgentMessage: 'three' } });
});

it('needs no input', () => {
  const thread = open([]);
  expect(thread.input('runTask')).toMatchObject({ inputItem: null });
  expect(thread.state.log.items).toEqual([]);
});

it('fails with the code of a step that failed', () => {
  const thread = open();
  thread.end('runTask', { type: 'failed', failure: { code: 'taskFailed', message: 'no disk', details: {} } });
  expect(ended(thread)).toMatchObject({
    turn: { status: 'failed', error: { code: 'taskFailed', message: 'no disk' } },
  });
});

it('ends without proof if its code was left when it was stopped, and with proof if it was not', () => {
  for (const quiescent of [true, false]) {
    const thread = open();
    const { id } = thread.step('runTask');
    thread.dispatch({ type: 'interruptRequested', interrupt: {} });
    thread.end('runTask', quiescent ? { type: 'aborted' } : { type: 'done', value: { type: 'left' } }, id);
    expect(ended(thread)).toMatchObject({ turn: { status: 'aborted', quiescent } });
  }
});

it('ends with proof if a step has ended by itself while it was stopped, and nothing of its result is used', () => {
  const thread = open();
  const { id } = thread.step('runTask');
  thread.dispatch({ type: 'interruptRequested', interrupt: {} });
  thread.done('runTask', { type: 'done', message: 'late' }, id);
  expect(ended(thread)).toMatchObject({ turn: { status: 'aborted', quiescent: true, lastAgentMessage: null } });
  expect(thread.types()).not.toContain('warning');
});

it.each([{ type: 'aborted' } as const, { type: 'done', value: { type: 'left' } } as const])(
  'fails if a step was stopped by somebody else',
  (end) => {
    const thread = open();
    thread.end('runTask', end);
    const error = { code: 'internal', message: 'Step task/a/1 was stopped by nobody in this thread.' };
    expect(ended(thread)).toMatchObject({ turn: { status: 'failed', error } });
  },
);

it('is shown as working', () => {
  expect(toThreadView(open().state).activeTurn?.phase).toEqual({ type: 'working' });
});
