import { PassThrough } from 'node:stream';
import { render } from 'ink';
import { createElement as h } from 'react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Effect } from './state.ts';
import { createStore } from './store.ts';
import { Chat } from './terminal.ts';
import { begin, plain } from './test-state.ts';

/** Far above what a busy machine takes. */
const SOON = { timeout: 20_000 };

let stop: () => void = () => undefined;
afterEach(() => stop());

/** The chat as Ink shows it, on streams that pass for a terminal. */
function open() {
  const effects: Effect[] = [];
  const store = createStore(begin(['earlier']), (effect) => effects.push(effect));
  const pass = () => undefined;
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: pass, ref: pass, unref: pass });
  const stdout = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 100, rows: 30 });
  let frame = '';
  stdout.on('data', (text: string) => (frame = text));
  // Each frame is written as a whole.
  const ink = render(h(Chat, { store }), { stdin, stdout, debug: true, exitOnCtrlC: false, patchConsole: false });
  stop = ink.unmount;
  const becomes = (text: string) => vi.waitFor(() => expect(plain(frame)).toContain(text), SOON);
  return { store, effects, stdin, becomes };
}

describe('keys in the terminal', () => {
  it('are distinguished from text that comes with them', async () => {
    const { stdin, becomes, effects } = open();
    stdin.write('wrong');
    await becomes('› wrong');
    stdin.write('\u0015right one\u0001A \r');
    await vi.waitFor(() => expect(effects.at(-1)).toMatchObject({ type: 'submit', text: 'A right one' }), SOON);
    stdin.write('next');
    await becomes('› next');
    stdin.write('\rafter it');
    await vi.waitFor(() => expect(effects.at(-1)).toMatchObject({ type: 'submit', text: 'next' }), SOON);
    await becomes('› after it');
  });

  it('are arrows, words, lines and history, in the sequences of terminals', async () => {
    const { stdin, becomes, store } = open();
    for (const key of ['one two', '\u001b[D', '\u001b[1;5D', 'x', '\u001b[H', 'y', '\u001b[F', '\u001b\r', 'z'])
      stdin.write(key);
    await vi.waitFor(() => expect(store.state().draft.text).toBe('yone xtwo\nz'), SOON);
    await becomes('  z');
    for (const key of ['\u007f', '\u0017', '\u0015', '\u007f', '\u0015']) stdin.write(key);
    await vi.waitFor(() => expect(store.state().draft.text).toBe(''), SOON);
    stdin.write('\u001b[A');
    await becomes('› earlier');
  });

  it('paste lines as one text, with or without the marks of a paste', async () => {
    const { stdin, store, effects } = open();
    stdin.write('\u001b[200~one\r\ntwo\u0003\r\u001b[201~');
    await vi.waitFor(() => expect(store.state().draft.text).toBe('one\ntwo\u0003\n'), SOON);
    stdin.write('three\rfour');
    await vi.waitFor(() => expect(store.state().draft.text).toBe('one\ntwo\u0003\nthree\nfour'), SOON);
    expect(effects).toEqual([]);
  });

  it('end what runs or leave', async () => {
    const { stdin, effects, becomes } = open();
    stdin.write('\u0003');
    await becomes('Ctrl-C again leaves');
    stdin.write('\u0003');
    await vi.waitFor(() => expect(effects).toEqual([{ type: 'leave' }]), SOON);
  });
});
