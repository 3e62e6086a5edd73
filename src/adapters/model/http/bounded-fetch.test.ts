import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createEventMeter } from './bounded-fetch.ts';

/** The size of the largest event, up to the line end that makes its empty line. */
function largestIn(stream: string): number {
  let [largest, event] = [0, 0];
  for (const line of stream.split(/(?<=\n|\r(?!\n))/)) {
    const words = line.replace(/\r?\n$|\r$/, '');
    const isEnd = words === '' && line !== '';
    // What belongs to the line end of an event counts for the next one.
    const before = event;
    event = isEnd ? line.length - 1 : event + line.length;
    largest = Math.max(largest, before, event);
  }
  return largest;
}

it('measures the largest event of a stream, however its lines end and wherever it is cut', () => {
  const pieces = fc.array(fc.stringMatching(/^(a{0,3}|\r|\n|\r\n){0,6}$/), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const meter = createEventMeter();
      const sizes = parts.map((part) => meter(Buffer.from(part)));
      expect(Math.max(0, ...sizes)).toBe(largestIn(parts.join('')));
    }),
    { numRuns: 2_000 },
  );
});
