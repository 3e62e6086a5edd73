import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Hunk } from './diff-hunks.ts';
import { moveLines } from './moved-lines.ts';

const range = (startLine: number, endLine = startLine) => ({ startLine, endLine });
const hunk = (oldStart: number, oldCount: number, newStart: number, newCount: number): Hunk => ({
  old: { start: oldStart, count: oldCount },
  new: { start: newStart, count: newCount },
});

describe('lines that moved', () => {
  it('go down with what was put in above them, and stay where it was put in below', () => {
    const stayed = { near: null, changed: false };
    expect(moveLines(range(5, 6), [hunk(2, 0, 3, 4)])).toEqual({ lines: range(9, 10), ...stayed });
    expect(moveLines(range(5, 6), [hunk(6, 0, 7, 4)])).toEqual({ lines: range(5, 6), ...stayed });
    expect(moveLines(range(5, 6), [hunk(4, 0, 5, 4)])).toEqual({ lines: range(9, 10), ...stayed });
  });

  it('keep what is left of them, and take in what was put between them', () => {
    const changed = { near: null, changed: true };
    expect(moveLines(range(5, 8), [hunk(5, 2, 5, 1)])).toEqual({ lines: range(6, 7), ...changed });
    expect(moveLines(range(5, 8), [hunk(6, 0, 7, 3)])).toEqual({ lines: range(5, 11), ...changed });
  });

  it('are gone where none is left, with what stands in their place', () => {
    expect(moveLines(range(5), [hunk(4, 3, 4, 5)])).toEqual({ lines: null, near: range(4, 8), changed: true });
    expect(moveLines(range(5), [hunk(4, 3, 3, 0)])).toEqual({ lines: null, near: null, changed: true });
  });

  it('are where a line-by-line count finds them, whatever the edits', () => {
    /** Blocks of a file: numbers of old lines that are kept, removed, and inserted. */
    const blocks = fc.array(fc.record({ kept: fc.integer({ min: 1, max: 4 }), out: fc.nat(3), put: fc.nat(3) }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(blocks, fc.nat(40), fc.nat(6), (edits, from, length) => {
        const newLineOf: (number | null)[] = [];
        const hunks: Hunk[] = [];
        let line = 1;
        for (const { kept, out, put } of edits) {
          for (let n = 0; n < kept; n++) newLineOf.push(line++);
          const old = { start: newLineOf.length + (out === 0 ? 0 : 1), count: out };
          if (out + put > 0) hunks.push({ old, new: { start: put === 0 ? line - 1 : line, count: put } });
          for (let n = 0; n < out; n++) newLineOf.push(null);
          line += put;
        }
        const startLine = (from % newLineOf.length) + 1;
        const endLine = Math.min(startLine + length, newLineOf.length);
        const left = newLineOf.slice(startLine - 1, endLine).filter((one) => one !== null);
        const expected = left.length === 0 ? null : range(left[0]!, left.at(-1));
        expect(moveLines(range(startLine, endLine), hunks).lines).toEqual(expected);
      }),
    );
  });
});
