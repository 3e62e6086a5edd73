import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type MeasuredEvents, createEventMeter } from './event-meter.ts';

/** The size of the largest event, up to the line end that makes its empty line, and the number of such lines. */
function measureWhole(stream: string): MeasuredEvents {
  let [largest, event, ended] = [0, 0, 0];
  for (const line of stream.split(/(?<=\n|\r(?!\n))/)) {
    const words = line.replace(/\r?\n$|\r$/, '');
    const isEnd = words === '' && line !== '';
    // What belongs to the line end of an event counts for the next one.
    const before = event;
    if (isEnd) ended += 1;
    event = isEnd ? line.length - 1 : event + line.length;
    largest = Math.max(largest, before, event);
  }
  return { largest, ended };
}

it('measures the largest event of a stream and counts all, however its lines end and wherever it is cut', () => {
  const pieces = fc.array(fc.stringMatching(/^(a{0,3}|\r|\n|\r\n){0,6}$/), { maxLength: 8 });
  fc.assert(
    fc.property(pieces, (parts) => {
      const meter = createEventMeter();
      const measured = parts.map((part) => meter(Buffer.from(part)));
      const largest = Math.max(0, ...measured.map((one) => one.largest));
      const ended = measured.reduce((sum, one) => sum + one.ended, 0);
      expect({ largest, ended }).toEqual(measureWhole(parts.join('')));
    }),
    { numRuns: 2_000 },
  );
});
