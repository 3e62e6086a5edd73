import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createOutputWindow } from './output-window.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 });
const textChunks = fc.array(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 20 });
const MISSING = /… ([\d,]+) bytes \(([\d,]+) lines\) omitted …\n/;

function fill(limit: number, parts: Uint8Array[]): ReturnType<typeof createOutputWindow> {
  const window = createOutputWindow(limit);
  for (const part of parts) window.push(part);
  return window;
}

const lengthOf = (text: string): number => Buffer.byteLength(text);

it('never keeps more than the limit, whatever the bytes are', () => {
  fc.assert(
    fc.property(chunks, fc.integer({ min: 0, max: 200 }), (parts, limit) => {
      const { output, truncated } = fill(limit, parts).text();
      const notice = truncated ? Buffer.byteLength(`\n${MISSING.exec(output)?.[0] ?? ''}`) : 0;
      expect(Buffer.byteLength(output)).toBeLessThanOrEqual(limit + notice);
    }),
  );
});

it('gives all of a text that fits', () => {
  fc.assert(
    fc.property(textChunks, (parts) => {
      const all = parts.join('');
      const window = fill(
        10_000,
        parts.map((part) => Buffer.from(part)),
      );
      expect(window.text()).toEqual({ output: all, truncated: false });
      expect(window.bytes).toBe(Buffer.byteLength(all));
    }),
  );
});

it('keeps whole characters from start and end of a longer text, and counts the rest', () => {
  fc.assert(
    fc.property(textChunks, fc.integer({ min: 0, max: 60 }), (parts, limit) => {
      const all = parts.join('');
      fc.pre(Buffer.byteLength(all) > limit && !all.includes('…'));
      const { output, truncated } = fill(
        limit,
        parts.map((part) => Buffer.from(part)),
      ).text();
      const found = MISSING.exec(output);
      const head = output.slice(0, found!.index).replace(/\n$/, '');
      const tail = output.slice(found!.index + found![0].length);
      expect(truncated).toBe(true);
      expect(all.startsWith(head) && all.endsWith(tail)).toBe(true);
      const omitted = Number(found![1]!.replaceAll(',', ''));
      const kept = Buffer.byteLength(all) - omitted;
      expect(kept).toBeLessThanOrEqual(limit);
      expect(kept).toBeGreaterThan(limit - 8);
      const middle = Buffer.from(all).subarray(lengthOf(all) - lengthOf(tail) - omitted);
      expect(Number(found![2])).toBe(middle.subarray(0, omitted).filter((byte) => byte === 10).length);
    }),
  );
});

it('writes the missing part on a separate line', () => {
  const lines = Array.from({ length: 1_000 }, (_, index) => `line ${String(index).padStart(4, '0')}\n`);
  const { output } = fill(
    40,
    lines.map((line) => Buffer.from(line)),
  ).text();
  expect(output).toBe('line 0000\nline 0001\n… 9,960 bytes (996 lines) omitted …\nline 0998\nline 0999\n');
});
