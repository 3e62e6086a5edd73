import { expect, it } from 'vitest';
import { plural } from './plural.ts';

it('a number has the noun that fits it', () => {
  expect([0, 1, 2].map((count) => plural(count, 'file'))).toEqual(['0 files', '1 file', '2 files']);
  expect([1, 1_234_567].map((count) => plural(count, 'file was', 'files were'))).toEqual([
    '1 file was',
    '1,234,567 files were',
  ]);
});
