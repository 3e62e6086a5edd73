/** The chat on a terminal: Ink draws the frame and reads keys; lines that stay go above it. */
import { Box, Text, render, useCursor, useInput, usePaste, useStdout, useWindowSize } from 'ink';
import { createElement as h, useEffect, useSyncExternalStore } from 'react';
import { toScreen } from '../text/terminal-text.ts';
import { toFrame } from './frame.ts';
import { toKeys } from './keys.ts';
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

export function Chat({ store }: { store: Store }) {
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
