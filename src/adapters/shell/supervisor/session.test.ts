import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { createSession } from './session.ts';

const never = new Promise<never>(() => undefined);
const poll = (id: string, chars = '') => ({ id, chars, isFirst: false, yieldMs: 1, maxOutputBytes: 1_000 });

/** A command that has written something, and what it was sent. */
function open() {
  const session = createSession(1_000);
  const keyboard = new PassThrough({ encoding: 'utf8' });
  session.io.onStart({ keyboard, interrupt: () => Promise.resolve() });
  session.io.onChunk(Buffer.from('written'));
  return { session, sent: () => keyboard.read() as string | null };
}

it('is interrupted three times by one look at most', async () => {
  const session = createSession(1_000);
  let interrupts = 0;
  session.io.onStart({ keyboard: undefined, interrupt: () => Promise.resolve(void (interrupts += 1)) });
  await session.look(poll('many', '\u0003'.repeat(16_384)), never, () => true);
  expect(interrupts).toBe(3);
  await session.look(poll('one', 'a\u0003'), never, () => true);
  expect(interrupts).toBe(4);
});

it('has for the next look what one that was left would have taken', async () => {
  const { session } = open();
  expect(await session.look(poll('left'), never, () => false)).toBeUndefined();
  expect(await session.look(poll('next'), never, () => true)).toMatchObject({ output: 'written' });
  expect(session.unread()).toBe('');
});

it('has it at its end, too', async () => {
  const { session } = open();
  await session.look(poll('left'), never, () => false);
  expect(session.unread()).toBe('written');
});

it('has it for a look that is repeated, and is sent nothing twice', async () => {
  const { session, sent } = open();
  expect(await session.look(poll('one', 'typed'), never, () => false)).toBeUndefined();
  session.io.onChunk(Buffer.from(', and more'));
  const again = await session.look(poll('one', 'typed'), never, () => true);
  expect(again).toMatchObject({ output: 'written, and more' });
  expect(await session.look(poll('one', 'typed'), never, () => true)).toEqual(again);
  expect(sent()).toBe('typed');
});

it('is taken by a look of which a second attempt is there', async () => {
  const { session } = open();
  const first = session.look(poll('one'), never, () => false);
  expect(await session.look(poll('one'), never, () => true)).toMatchObject({ output: 'written' });
  expect(await first).toMatchObject({ output: 'written' });
});
