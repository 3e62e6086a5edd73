import { describe, expect, it } from 'vitest';
import type { EditQueue } from '../../../src/contract/index.ts';
import { type TestThread, testThread, text } from '../testing/fixtures.ts';
import { toThreadView } from '../view/view.ts';

/** A thread with an active turn `a`, and `b`, `c`, `d` in the queue. */
function queueOfThree(): TestThread {
  const thread = testThread();
  thread.submit('a');
  for (const id of ['b', 'c', 'd']) thread.submit(id, `do ${id}`, { onBusy: 'queue' });
  return thread;
}

function edit(thread: TestThread, change: EditQueue): void {
  thread.dispatch({ type: 'queueEdited', edit: change });
}

const waiting = (thread: TestThread) => toThreadView(thread.state).queuedTurns;
const order = (thread: TestThread) => waiting(thread).map(({ turnId }) => turnId);

describe('the queue', () => {
  it('is shown in order, with the beginning of each input and its overrides', () => {
    const thread = testThread();
    thread.submit('a');
    thread.submit('b', 'x'.repeat(5_000), { onBusy: 'queue', overrides: { model: 'another' } });
    expect(waiting(thread)).toEqual([
      { turnId: 'b', kind: 'regular', text: 'x'.repeat(2_000), chars: 5_000, overrides: { model: 'another' } },
    ]);
  });

  it.each([
    ['d', 'b', ['d', 'b', 'c']],
    ['b', 'd', ['c', 'b', 'd']],
    ['b', undefined, ['c', 'd', 'b']],
    ['b', 'b', ['b', 'c', 'd']],
    ['c', 'c', ['b', 'c', 'd']],
  ])('moves %s before %s', (turnId, before, expected) => {
    const thread = queueOfThree();
    edit(thread, { op: 'move', turnId, ...(before === undefined ? {} : { before }) });
    expect(order(thread)).toEqual(expected);
    expect(thread.events().at(-1)).toMatchObject({
      type: 'turn/queueUpdated',
      turnId,
      change: 'moved',
      queue: expected,
    });
  });

  it('is worked off in the order and with the words it was left in', () => {
    const thread = queueOfThree();
    edit(thread, { op: 'move', turnId: 'd', before: 'b' });
    edit(thread, { op: 'edit', turnId: 'd', input: text('something else'), overrides: { sandbox: 'read-only' } });
    thread.answer('done');
    expect(thread.state.active?.turnId).toBe('d');
    expect(thread.state.settings.sandbox).toBe('read-only');
    expect(thread.state.log.items.at(-1)).toMatchObject({ type: 'userMessage', content: text('something else') });
  });

  it('keeps what an edit leaves out', () => {
    const thread = queueOfThree();
    edit(thread, { op: 'edit', turnId: 'c', overrides: { model: 'another' } });
    expect(waiting(thread)[1]).toMatchObject({ text: 'do c', overrides: { model: 'another' } });
    edit(thread, { op: 'edit', turnId: 'c', input: text('new') });
    expect(waiting(thread)).toMatchObject([
      { turnId: 'b', text: 'do b', overrides: {} },
      { turnId: 'c', text: 'new', overrides: { model: 'another' } },
      { turnId: 'd', text: 'do d', overrides: {} },
    ]);
  });

  it('takes no input for a turn whose kind has none, and everything else', () => {
    const thread = queueOfThree();
    thread.dispatch({ type: 'turnSubmitted', turn: { turnId: 'e', kind: 'compact', input: [], onBusy: 'queue' } });
    edit(thread, { op: 'edit', turnId: 'e', input: text('words') });
    const reason = 'Turn e is a compact, which takes no input.';
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'malformed', id: 'e', reason });
    edit(thread, { op: 'edit', turnId: 'e', overrides: { model: 'another' } });
    expect(waiting(thread).at(-1)).toMatchObject({ turnId: 'e', overrides: { model: 'another' } });
    edit(thread, { op: 'move', turnId: 'e', before: 'b' });
    expect(order(thread)).toEqual(['e', 'b', 'c', 'd']);
    edit(thread, { op: 'drop', turnId: 'e' });
    expect(order(thread)).toEqual(['b', 'c', 'd']);
  });

  it('says what waits if something does not, as far as there is room', () => {
    const reasonOf = (thread: TestThread) => {
      edit(thread, { op: 'drop', turnId: 'z' });
      const last = thread.events().at(-1);
      return last?.type === 'message/rejected' ? last.reason : '';
    };
    const said = 'Turn z does not wait in the queue of thread t1 (any more): ';
    expect(reasonOf(queueOfThree())).toBe(`${said}these do: b, c, d.`);
    const idle = testThread();
    expect(reasonOf(idle)).toBe(`${said}nothing waits.`);
    const full = queueOfThree();
    for (let turns = 0; turns < 20; turns++) full.submit(`${'x'.repeat(100)}${turns}`, 'do it', { onBusy: 'queue' });
    expect(reasonOf(full)).toHaveLength(said.length + 'these do: .'.length + 1_000);
  });

  it('gives a turn that is dropped its one terminal event, and the next one begins', () => {
    const thread = queueOfThree();
    edit(thread, { op: 'drop', turnId: 'b', reason: 'not needed' });
    expect(thread.completions('b')).toMatchObject([
      { status: 'aborted', reason: 'interrupted', detail: 'not needed', startedAt: null, quiescent: true },
    ]);
    expect(thread.events().at(-2)).toMatchObject({ type: 'turn/queueUpdated', change: 'dropped', queue: ['c', 'd'] });
    thread.answer('done');
    expect(thread.state.active?.turnId).toBe('c');
    edit(thread, { op: 'drop', turnId: 'b' });
    expect(thread.completions('b')).toHaveLength(1);
  });

  it.each<[string, EditQueue]>([
    ['the active turn', { op: 'drop', turnId: 'a' }],
    ['a turn nobody knows', { op: 'edit', turnId: 'z', input: text('late') }],
    ['a place before a turn that does not wait', { op: 'move', turnId: 'b', before: 'a' }],
  ])('refuses what speaks of %s, and nothing changes', (_, change) => {
    const thread = queueOfThree();
    const before = waiting(thread);
    edit(thread, change);
    expect(thread.events().at(-1)).toMatchObject({
      type: 'message/rejected',
      message: 'editQueue',
      code: 'turnNotQueued',
      id: change.turnId,
    });
    expect(waiting(thread)).toEqual(before);
  });
});

describe('steering', () => {
  it('is for kinds that say they can take it', () => {
    const thread = testThread();
    thread.submit('shell', 'sleep 5', { kind: 'user_shell' });
    thread.dispatch({ type: 'turnSteered', steer: { expectedTurnId: 'shell', input: text('also') } });
    expect(thread.events().at(-1)).toMatchObject({ type: 'message/rejected', code: 'turnNotSteerable', id: 'shell' });
  });
});
