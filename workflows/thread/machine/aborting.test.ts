/** The end of a turn that is stopped: what is kept of it, what is said, and for how long its steps are waited for. */
import { describe, expect, it } from 'vitest';
import { EXITED, type TestThread, exec, testThread, text } from '../testing/fixtures.ts';
import { toContext } from '../view/view.ts';

const warnings = (thread: TestThread) =>
  thread.events().flatMap((event) => (event.type === 'warning' ? [event.message] : []));

/** A turn with a command under way. @returns the id of its step */
function atWork(thread: TestThread): string {
  thread.submit('a');
  thread.answer(exec('make'));
  return thread.step('execCommand').id;
}

const interrupt = (thread: TestThread) => thread.dispatch({ type: 'interruptRequested', interrupt: {} });
const ABORTED = { ...EXITED, outcome: 'aborted', exitCode: null } as const;

describe('input that no model step has carried', () => {
  it.each([
    ['is interrupted', interrupt, ['userMessage', 'turnAborted']],
    ['is replaced', (thread: TestThread) => thread.submit('b', 'rather this'), ['userMessage', 'userMessage']],
  ])('goes to the history if its turn %s, before the terminal event, and the next model sees it', (_, stop, types) => {
    const thread = testThread();
    const id = atWork(thread);
    thread.submit('s', 'also this', { onBusy: 'steer' });
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'a', input: text('and that') } });
    stop(thread);
    thread.done('execCommand', ABORTED, id);
    const { items } = thread.state.log;
    const at = items.findIndex(({ type }) => type === 'commandExecution');
    expect(items.slice(at + 1, at + 3)).toMatchObject([
      { type: 'userMessage', turnId: 'a', content: text('also this') },
      { type: 'userMessage', turnId: 'a', content: text('and that') },
    ]);
    expect(items.slice(at + 2, at + 4).map(({ type }) => type)).toEqual(types);
    const told = thread
      .events()
      .flatMap((event, place) => (event.type === 'item/completed' && event.item.type === 'userMessage' ? [place] : []));
    const over = thread.events().findIndex((event) => event.type === 'turn/completed');
    expect(told.filter((place) => place < over)).toHaveLength(3);
    expect(toContext(thread.state, 0).items).toMatchObject(items);
  });

  it('goes to the history if its turn fails', () => {
    const thread = testThread();
    thread.submit('a');
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'a', input: text('also this') } });
    thread.end('callModel', { type: 'failed', failure: { code: 'modelServerError', message: 'no', details: {} } });
    expect(thread.completions('a')).toMatchObject([{ status: 'failed' }]);
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'userMessage', content: text('also this') });
  });
});

describe('a turn that is being stopped', () => {
  it.each<[string, (thread: TestThread) => void]>([
    ['another turn that replaces it', (thread) => thread.submit('b', 'rather this')],
    ['a second interrupt', (thread) => thread.dispatch({ type: 'interruptRequested', interrupt: { reason: 'again' } })],
    ['the end of its thread', (thread) => thread.dispatch({ type: 'closeRequested', close: { reason: 'enough' } })],
  ])('keeps its reason and what it waits for, whatever comes: %s', (_, comes) => {
    const thread = testThread();
    const id = atWork(thread);
    thread.dispatch({ type: 'interruptRequested', interrupt: { reason: 'wrong way' } });
    const { aborting } = thread.state.active!;
    comes(thread);
    expect(thread.state.active?.aborting).toEqual(aborting);
    expect(aborting).toMatchObject({ reason: 'interrupted', detail: 'wrong way', awaiting: [id] });
    thread.done('execCommand', ABORTED, id);
    expect(thread.completions('a')).toMatchObject([{ reason: 'interrupted', detail: 'wrong way', quiescent: true }]);
  });

  it('waits for its steps for five seconds', () => {
    const thread = testThread();
    atWork(thread);
    interrupt(thread);
    expect(thread.action('awaitTime').at - thread.at).toBe(5_000);
  });

  it.each([
    [{ type: 'failed', failure: { code: 'diskFull', message: 'no', details: {} } } as const, 'could not be looked at'],
    [{ type: 'done', value: { ended: 2 } } as const, 'had 2 processes left over from a lost step; they were ended'],
  ])('warns of what became of the workspace if its step is lost', (end, says) => {
    const thread = testThread();
    const id = atWork(thread);
    thread.end('execCommand', { type: 'lost', lastBeat: {} }, id);
    thread.end('cleanWorkspace', end);
    expect(warnings(thread)).toEqual([`Workspace ${thread.state.settings.cwd} ${says}.`]);
  });
});

describe('a command whose stop no worker has reported', () => {
  const ends = [
    ['lost', { type: 'lost', lastBeat: {} } as const],
    ['cancelled by the service', { type: 'aborted' } as const],
  ] as const;

  it.each(ends)('holds up the end of its turn until a clean-up has proven it: %s', (_, end) => {
    const thread = testThread();
    const id = atWork(thread);
    interrupt(thread);
    thread.end('execCommand', end, id);
    expect(thread.completions('a')).toEqual([]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([id]);
    thread.done('cleanWorkspace', { ended: 0, gone: true });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: true }]);
    expect(warnings(thread)).toEqual([]);
  });

  it.each([
    ['that proves nothing', { type: 'done', value: { ended: 1 } } as const],
    ['that fails', { type: 'failed', failure: { code: 'diskFull', message: 'no', details: {} } } as const],
  ])('is not proven by a clean-up %s', (_, end) => {
    const thread = testThread();
    const id = atWork(thread);
    interrupt(thread);
    thread.end('execCommand', { type: 'lost', lastBeat: {} }, id);
    thread.end('cleanWorkspace', end);
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: false }]);
  });

  it('is proven with the next one, if a second one follows before the clean-up is done', () => {
    const thread = testThread();
    thread.submit('a', 'one', { kind: 'user_shell' });
    thread.submit('b', 'two', { kind: 'user_shell' });
    const [first, second] = thread.steps('execCommand').map(({ id }) => id);
    thread.dispatch({ type: 'closeRequested', close: {} });
    for (const id of [first!, second!]) thread.end('execCommand', { type: 'lost', lastBeat: {} }, id);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([first, second]);
    thread.done('cleanWorkspace', { ended: 0, gone: true }, thread.step('cleanWorkspace').id);
    for (const turnId of ['a', 'b']) expect(thread.completions(turnId)).toMatchObject([{ quiescent: true }]);
  });

  it('is waited for no longer than five seconds', () => {
    const thread = testThread();
    const id = atWork(thread);
    interrupt(thread);
    thread.end('execCommand', { type: 'lost', lastBeat: {} }, id);
    const timer = thread.action('awaitTime');
    thread.dispatch({ type: 'timeCame', id: timer.id, about: timer.about });
    expect(thread.completions('a')).toMatchObject([{ status: 'aborted', quiescent: false }]);
    expect(thread.input('cleanWorkspace').commandIds).toEqual([id]);
  });
});

describe('a command that had to be killed', () => {
  it.each(['regular', 'user_shell'] as const)('is warned of before the end of its turn: %s', (kind) => {
    const thread = testThread();
    if (kind === 'regular') atWork(thread);
    else thread.submit('a', 'make', { kind });
    const { actionId, index } = thread.input('execCommand');
    interrupt(thread);
    thread.done('execCommand', { ...ABORTED, killed: 1 }, actionId);
    expect(warnings(thread)).toEqual([
      `item_${index} of turn a did not end when it was told to, and was killed. What it was writing may be incomplete.`,
    ]);
    expect(thread.types().indexOf('warning')).toBeLessThan(thread.types().indexOf('turn/completed'));
  });

  it('is not warned of if it ended by itself', () => {
    const thread = testThread();
    const id = atWork(thread);
    interrupt(thread);
    thread.done('execCommand', ABORTED, id);
    expect(warnings(thread)).toEqual([]);
  });
});
