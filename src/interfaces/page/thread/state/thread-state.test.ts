import { expect, it } from 'vitest';
import type { Item, PartialEvent, ThreadEvent } from '../../../../contract/index.ts';
import { type Input, NEW_THREAD, type ThreadState, firstShown, reduce } from './thread-state.ts';

const after = (...inputs: Input[]): ThreadState => inputs.reduce(reduce, NEW_THREAD);
const event = (seq: number, body: object): Input => ({
  type: 'event',
  event: { seq, at: 0, ...body } as unknown as ThreadEvent,
});
const message = (index: number, text: string) =>
  ({ id: `item_${index}`, turnId: 't', step: 1, type: 'agentMessage', text }) as Item;
const keys = ({ entries }: ThreadState) => entries.map(({ key }) => key);

it('keeps the place of an item when it is completed after others', () => {
  const state = after(
    event(1, { type: 'item/started', turnId: 't', item: message(0, '') }),
    event(2, { type: 'item/started', turnId: 't', item: message(1, '') }),
    event(3, { type: 'warning', message: 'careful' }),
    event(4, { type: 'item/completed', turnId: 't', item: message(0, 'done') }),
  );
  expect(keys(state)).toEqual(['item_0', 'item_1', 'event_3']);
  expect(state.entries[0]).toEqual({ key: 'item_0', item: message(0, 'done') });
});

it('puts earlier items before those it has, each once', () => {
  const state = after(event(9, { type: 'item/completed', turnId: 't', item: message(5, 'new') }), {
    type: 'earlier',
    items: [message(4, 'old'), message(5, 'stale')],
  });
  expect(keys(state)).toEqual(['item_4', 'item_5']);
  expect(state.entries[1]).toEqual({ key: 'item_5', item: message(5, 'new') });
  expect(firstShown(state.entries)).toBe(4);
});

it('keeps what was typed while a prompt was sent', () => {
  const sent: Input = { type: 'sent', prompt: { turnId: 't', text: 'do it' }, draft: 'do it' };
  expect(after({ type: 'draft', text: 'do it' }, sent).draft).toBe('');
  expect(after({ type: 'draft', text: 'do it and more' }, sent).draft).toBe(' and more');
  expect(after({ type: 'draft', text: 'another' }, sent).draft).toBe('another');
});

it('gives the text of a refused turn back, unless another is being written', () => {
  const sent: Input = { type: 'sent', prompt: { turnId: 't', text: 'do it' }, draft: 'do it' };
  const refused = event(1, {
    type: 'message/rejected',
    message: 'submitTurn',
    code: 'queueFull',
    reason: 'full',
    id: 't',
  });
  expect(after(sent, refused)).toMatchObject({ draft: 'do it', sent: [] });
  expect(after(sent, { type: 'draft', text: 'other' }, refused)).toMatchObject({ draft: 'other', sent: [] });
});

it('keeps what was shown of an answer that was cut off, once, and keeps it apart from the items of the thread', () => {
  const delta = { type: 'item/agentMessage/delta', turnId: 't', step: 1, attempt: 1, offset: 0, delta: 'half an' };
  const state = after(
    { type: 'event', event: delta as PartialEvent },
    event(1, { type: 'turn/completed', turn: { turnId: 'of-the-person', status: 'completed', usage: {} } }),
    event(2, { type: 'turn/completed', turn: { turnId: 't', status: 'aborted', reason: 'interrupted', usage: {} } }),
  );
  expect(keys(state)).toEqual(['event_1', 'cut_2', 'cut_2_note', 'event_2']);
  expect(state.entries[1]).toMatchObject({ item: { text: 'half an' } });
  expect(firstShown(state.entries)).toBe(null);
});

it('keeps the end of what a session writes until it ends, also while it continues as another item', () => {
  const session = (more: object) => ({ id: 'item_5', type: 'commandSession', sessionId: 3, command: 'watch', ...more });
  const output = (offset: number, delta: string): Input => ({
    type: 'event',
    event: { type: 'item/commandSession/outputDelta', sessionId: 3, offset, delta },
  });
  const running = [
    event(1, { type: 'item/started', turnId: '', item: session({}) }),
    output(0, 'one'),
    output(0, 'one two'),
    event(2, { type: 'item/completed', turnId: '', item: session({ continuesAs: 'item_9' }) }),
    event(3, { type: 'item/started', turnId: '', item: session({ id: 'item_9' }) }),
    output(90, 'end'),
  ];
  expect(after(...running).sessions).toEqual([{ sessionId: 3, command: 'watch', tail: 'one two… end', chars: 93 }]);
  const ended = event(4, { type: 'item/completed', turnId: '', item: session({ id: 'item_9' }) });
  expect(after(...running, ended).sessions).toEqual([]);
  expect(after(output(0, 'of one that began long ago')).sessions).toMatchObject([{ sessionId: 3, command: '' }]);
});
