import { StringDecoder } from 'node:string_decoder';
import { createOutputWindow } from './output-window.ts';
import type { OutputTail } from '../../../../activities/ports.ts';

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
/** The longest tail, as UTF-8. */
const TAIL_BYTES = 2_048;

export function watchOutput(maxOutputBytes: number, onOutput: (tail: OutputTail) => void): OutputWatch {
  const window = createOutputWindow(maxOutputBytes);
  const decoder = new StringDecoder('utf8');
  let tail: OutputTail = { text: '', chars: 0 };
  let shownAt = -Infinity;
  let later: NodeJS.Timeout | undefined;

  const show = (): void => {
    later = undefined;
    shownAt = performance.now();
    onOutput({ ...tail, text: endOf(tail.text) });
  };
  const decode = (chunk: Uint8Array): void => {
    const text = decoder.write(chunk);
    // A byte is at least a character here, so this is never too little.
    tail = { text: (tail.text + text).slice(-TAIL_BYTES), chars: tail.chars + text.length };
  };
  return {
    push(chunk) {
      window.push(chunk);
      decode(chunk);
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

/** The longest end of at most {@link TAIL_BYTES} that begins with a whole character. */
function endOf(text: string): string {
  const bytes = Buffer.from(text);
  let start = Math.max(0, bytes.length - TAIL_BYTES);
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.toString('utf8', start);
}
