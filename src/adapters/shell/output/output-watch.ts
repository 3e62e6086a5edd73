import { createOutputWindow, TAIL_BYTES } from './output-window.ts';

/** Collects a command's output and shows its tail to people who watch the command run. */
export interface OutputWatch {
  push(chunk: Uint8Array): void;
  /** Written so far. */
  bytes(): number;
  /** The last call: shows the tail once more if it has changed since, and returns the kept output. */
  finish(): { text: string; truncated: boolean; bytes: number };
}

/** The shortest time between two calls of `onOutput`, in milliseconds. */
const QUIET_MS = 50;

export function watchOutput(maxOutputBytes: number, onOutput: (tail: string) => void): OutputWatch {
  const window = createOutputWindow(maxOutputBytes);
  let shownAt = -Infinity;
  let later: NodeJS.Timeout | undefined;

  const show = (): void => {
    later = undefined;
    shownAt = performance.now();
    onOutput(window.tail(TAIL_BYTES));
  };
  return {
    push(chunk) {
      window.push(chunk);
      if (later !== undefined) return;
      const wait = shownAt + QUIET_MS - performance.now();
      if (wait <= 0) show();
      else later = setTimeout(show, wait);
    },
    bytes: () => window.bytes,
    finish() {
      if (later !== undefined) {
        clearTimeout(later);
        show();
      }
      const { output, truncated } = window.text();
      return { text: output, truncated, bytes: window.bytes };
    },
  };
}
