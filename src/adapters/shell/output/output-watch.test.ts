import { expect, it } from 'vitest';
import type { OutputTail } from '../../../../activities/ports.ts';
import { watchOutput } from './output-watch.ts';

function lastTail(chunks: Uint8Array[]): OutputTail | undefined {
  const tails: OutputTail[] = [];
  const watch = watchOutput(10, (tail) => tails.push(tail));
  for (const chunk of chunks) watch.push(chunk);
  watch.finish();
  return tails.at(-1);
}

it('shows a tail of whole characters, and counts all of them', () => {
  const text = `${'é'.repeat(3_000)}a`;
  expect(lastTail([Buffer.from(text)])).toEqual({ text: `${'é'.repeat(1_023)}a`, chars: 3_001 });
});

it('counts a character once that comes in two parts', () => {
  const bytes = Buffer.from('a😀b');
  expect(lastTail([bytes.subarray(0, 3), bytes.subarray(3)])).toEqual({ text: 'a😀b', chars: 4 });
});

it('shows the end of every length of text within 2,048 bytes, at its place', () => {
  const all = Array.from({ length: 900 }, (_, index) => ['x', 'é', '😀', '\n'][index % 4] ?? '').join('');
  for (let chars = 0; chars <= all.length; chars += 37) {
    const text = all.slice(0, chars).toWellFormed();
    const shown = lastTail([Buffer.from(text)]) ?? { text: '', chars: 0 };
    expect(shown.chars).toBe(chars);
    expect(text.endsWith(shown.text)).toBe(true);
    expect(Buffer.byteLength(shown.text)).toBeLessThanOrEqual(2_048);
  }
});
