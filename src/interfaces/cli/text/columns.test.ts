import { expect, it } from 'vitest';
import { columns } from './columns.ts';

it('cells stand below each other, wide and combining characters too', () => {
  expect(
    columns([
      ['a', 'b', 'last'],
      ['\u7e54\u6a5f', 'e\u0301', ''],
      ['longer', '', 'x'],
    ]),
  ).toEqual(['a       b  last', '\u7e54\u6a5f    e\u0301  ', 'longer     x']);
});

it('rows may have more or fewer cells', () => {
  expect(columns([])).toEqual([]);
  expect(columns([['one'], ['three', 'cells', 'here']])).toEqual(['one', 'three  cells  here']);
});
