/** The chat on a terminal: Ink draws the frame and reads keys; lines that stay go above it. */
import { Box, Text, render, useCursor, useInput, usePaste, useStdout, useWindowSize } from 'ink';
import { createElement as h, useEffect, useSyncExternalStore } from 'react';
import { toScreen } from '../text/terminal-text.ts';
import { type Frame, toFrame } from './frame.ts';
import { toKeys } from './keys.ts';
import { breaksAnew, eraseBroken } from './resize.ts';
import type { Store } from './store.ts';

export interface Shell {
  /** Restores the terminal. Resolves when everything is written. */
  close(): Promise<void>;
}

export function openTerminal(store: Store): Shell {
  const { stdout } = process;
  const drawing: { next: Frame | null } = { next: null };
  let drawn: Frame | null = null;
  let { columns } = stdout;
  const onResize = (): void => {
    if (stdout.columns < columns && drawn !== null && breaksAnew(process.env))
      stdout.write(eraseBroken(drawn, stdout.columns));
    ({ columns } = stdout);
  };
  // Before Ink draws.
  stdout.on('resize', onResize);
  // Before Ink is told of what changed.
  const stopLooking = store.subscribe(lookAtSize);
  const onRender = (): void => void (drawn = drawing.next);
  const ink = render(h(Chat, { store, drawing }), { exitOnCtrlC: false, interactive: true, onRender });
  return {
    async close() {
      stopLooking();
      stdout.off('resize', onResize);
      ink.clear();
      ink.unmount();
      await ink.waitUntilExit();
    },
  };
}

/** Node learns of a new size from a signal, which it handles after the timers of the same round. */
function lookAtSize(): void {
  process.emit('SIGWINCH', 'SIGWINCH');
}

/** @param drawing gets the frame that is drawn next */
export function Chat({ store, drawing = { next: null } }: { store: Store; drawing?: { next: Frame | null } }) {
  const state = useSyncExternalStore(store.subscribe, store.state);
  const size = useWindowSize();
  const { write } = useStdout();
  useInput((input, key) => {
    for (const one of toKeys(input, key)) store.dispatch({ type: 'key', key: one });
  });
  usePaste((text) => store.dispatch({ type: 'paste', text }));
  useEffect(
    () =>
      store.printWith((lines) => {
        lookAtSize();
        write(lines.map((line) => `${toScreen(line, process.stdout.columns)}\n`).join(''));
      }),
    [store, write],
  );
  const frame = toFrame(state, size);
  const { rows, cursor } = frame;
  // Ink draws before effects run.
  drawing.next = frame;
  useCursor().setCursorPosition(cursor);
  return h(
    Box,
    { flexDirection: 'column' },
    ...rows.map((row, index) => h(Text, { key: index, wrap: 'truncate-end' }, row === '' ? ' ' : row)),
  );
}
