import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOSTILE, RAW } from '../test-every-type.ts';
import { shorten, toRows, toVisible, toVisibleJson, toVisibleLine } from './foreign-text.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...Array.from(HOSTILE), 'a', ' ', '漢', '🙂', '\t', '\r\n')).map((parts) => parts.join('')),
);

describe('foreign text', () => {
  it('has every character spelled out that a terminal acts upon or does not show', () => {
    expect(toVisible('a\u001b[31mb\u202ec\u{e0041}d\ud800e\u009bf\rg\u0000')).toBe(
      'a\\x1b[31mb\\u{202e}c\\u{e0041}d\\u{d800}e\\x9bf\\rg\\x00',
    );
    expect(toVisible('one\n\ttwo 漢字 🙂 e\u0301 ⚠\ufe0f')).toBe('one\n\ttwo 漢字 🙂 e\u0301 ⚠\ufe0f');
    expect(toVisible('rm\ufe0f ⚠\ufe0f\ufe0f')).toBe('rm\\u{fe0f} ⚠\ufe0f\\u{fe0f}');
    expect(toVisibleLine('one\n\ttwo')).toBe('one\\n\\ttwo');
  });

  it('holds none of them afterwards, whatever it is', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(toVisibleLine(text).replace(/\p{Extended_Pictographic}\ufe0f/gu, '')).not.toMatch(RAW);
      }),
    );
  });

  it('is whole in its rows, in order, and each row fits', () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: 8, max: 30 }), (text, columns) => {
        const spelled: string[] = [];
        const rows = toRows(text, columns, (character) => {
          spelled.push(character);
          return '\u0001';
        });
        const again = rows.map(({ line, text: row }) => (line === null || line === 1 ? row : `\n${row}`)).join('');
        expect(again.replace(/\u0001/g, () => spelled.shift() ?? '')).toBe(text); // eslint-disable-line no-control-regex
        for (const row of toRows(text, columns)) {
          expect(row.text).not.toMatch(/[^\P{Cc}\t]|\p{Cf}|[^\P{Zs} ]/u);
          // Ten columns at most for one character that is spelled out.
          expect(row.text.replaceAll('\t', ' '.repeat(8)).length).toBeLessThanOrEqual(Math.max(columns, 10));
        }
      }),
    );
  });

  it('lets no blank pass for a space in what somebody decides about', () => {
    expect(toRows('rm\u00a0-rf\u3000x', 80)).toEqual([{ line: 1, text: 'rm\\xa0-rf\\u{3000}x' }]);
  });

  it('breaks a long line, and wide characters count as two', () => {
    expect(toRows(`ab漢字cd\nx`, 4)).toEqual([
      { line: 1, text: 'ab漢' },
      { line: null, text: '字cd' },
      { line: 2, text: 'x' },
    ]);
  });

  it('is cut between characters, and says by how much', () => {
    expect(shorten('🙂🙂', 3)).toEqual({ text: '🙂', left: 2 });
    expect(shorten('ab', 2)).toEqual({ text: 'ab', left: 0 });
  });

  it('stays the same value in JSON', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, anyText), fc.constantFrom(0, 2), (value, indent) => {
        const json = toVisibleJson(value, indent);
        expect(JSON.parse(json)).toEqual(value);
        expect(json.replace(/\p{Extended_Pictographic}\ufe0f/gu, '')).not.toMatch(RAW);
      }),
    );
  });
});
