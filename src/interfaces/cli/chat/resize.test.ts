import { describe, expect, it } from 'vitest';
import { breaksAnew, eraseBroken } from './resize.ts';

const ESC = '\u001b';

describe('a frame on a terminal that has become narrower', () => {
  it('is erased with the rows that its rows have become', () => {
    const frame = { rows: ['x'.repeat(99), '宽'.repeat(30), '', '› ab'], cursor: { x: 4, y: 3 } };
    // 99 columns are four rows of 30, 60 are two, an empty one is one.
    expect(eraseBroken(frame, 30)).toBe(`${ESC}[7A\r${ESC}[J\n\n\n\n${ESC}[1A`);
    const prompt = { rows: [`› ${'a'.repeat(50)}`], cursor: { x: 52, y: 0 } };
    expect(eraseBroken(prompt, 20)).toBe(`${ESC}[2A\r${ESC}[J\n${ESC}[1A`);
  });

  it('is left to Ink where terminals cut rows instead', () => {
    expect([{ TERM: 'xterm-256color' }, { TERM: 'linux' }, { XTERM_VERSION: '390' }].map(breaksAnew)).toEqual([
      true,
      false,
      false,
    ]);
  });
});
