/** The chat on a terminal: Ink draws the frame and reads keys; lines that stay go above it. */
import { Box, type Key as InkKey, Text, render, useCursor, useInput, usePaste, useStdout, useWindowSize } from 'ink';
import { createElement as h, useEffect, useSyncExternalStore } from 'react';
import { toScreen } from '../text/terminal-text.ts';
import type { Key } from './editor.ts';
import { toFrame } from './frame.ts';
import type { Store } from './store.ts';

export interface Shell {
  /** Restores the terminal. Resolves when everything is written. */
  close(): Promise<void>;
}

export function openTerminal(store: Store): Shell {
  const ink = render(h(Chat, { store }), { exitOnCtrlC: false, interactive: true });
  return {
    async close() {
      ink.clear();
      ink.unmount();
      await ink.waitUntilExit();
    },
  };
}

function Chat({ store }: { store: Store }) {
  const state = useSyncExternalStore(store.subscribe, store.state);
  const size = useWindowSize();
  const { write } = useStdout();
  useInput((input, key) => {
    for (const one of toKeys(input, key)) store.dispatch({ type: 'key', key: one });
  });
  usePaste((text) => store.dispatch({ type: 'paste', text }));
  useEffect(
    () =>
      store.printWith((lines) => write(lines.map((line) => `${toScreen(line, process.stdout.columns)}\n`).join(''))),
    [store, write],
  );
  const { rows, cursor } = toFrame(state, size);
  useCursor().setCursorPosition(cursor);
  return h(
    Box,
    { flexDirection: 'column' },
    ...rows.map((row, index) => h(Text, { key: index, wrap: 'truncate-end' }, row === '' ? ' ' : row)),
  );
}

const CONTROL: Record<string, Key['name']> = {
  c: 'interrupt',
  d: 'endOfInput',
  a: 'home',
  e: 'end',
  b: 'left',
  f: 'right',
  p: 'up',
  n: 'down',
  w: 'deleteWord',
  u: 'deleteBefore',
  k: 'deleteAfter',
  h: 'backspace',
};
const META: Record<string, Key['name']> = { b: 'wordLeft', f: 'wordRight', d: 'deleteAfter', '\r': 'newline' };

/** Several if a terminal without bracketed paste, or a fast typist, sends text and Enter at once. */
function toKeys(input: string, key: InkKey): Key[] {
  const name = nameOf(input, key);
  if (name !== undefined) return [{ name, text: '' }];
  if (input === '' || key.ctrl || key.meta) return [];
  if (input === '\n') return [{ name: 'newline', text: '' }];
  const text: Key = { name: 'text', text: input };
  return /^[^\r\n]+\r$/.test(input)
    ? [
        { ...text, text: input.slice(0, -1) },
        { name: 'enter', text: '' },
      ]
    : [text];
}

function nameOf(input: string, key: InkKey): Key['name'] | undefined {
  if (key.return) return key.meta || key.shift ? 'newline' : 'enter';
  if (key.escape) return 'escape';
  if (key.tab) return 'tab';
  if (key.upArrow) return key.meta ? 'takeBack' : 'up';
  if (key.downArrow) return 'down';
  if (key.leftArrow) return key.ctrl || key.meta ? 'wordLeft' : 'left';
  if (key.rightArrow) return key.ctrl || key.meta ? 'wordRight' : 'right';
  if (key.home) return 'home';
  if (key.end) return 'end';
  if (key.backspace) return key.meta ? 'deleteWord' : 'backspace';
  if (key.delete) return 'delete';
  if (key.ctrl) return CONTROL[input];
  return key.meta ? META[input] : undefined;
}
