import { expect, it } from 'vitest';
import { CURSOR_PATTERN, readCursor, writeCursor } from './tree-cursor.ts';

it('is written in one word and read again', () => {
  const cursor = { 'fix-it': 12, 'fix-it/1': 30, 'fix-it/1/2': 4 };
  expect(writeCursor('fix-it', cursor)).toBe('12,1=30,1/2=4');
  expect(readCursor('fix-it', '12,1=30,1/2=4')).toEqual(cursor);
  expect(writeCursor('fix-it', {})).toBe('0');
  expect(readCursor('a/1', '7')).toEqual({ 'a/1': 7 });
});

it('is a list of places, and nothing else', () => {
  for (const text of ['0', '42', '1,2=3', '1,1/2/3=999999999999999']) expect(CURSOR_PATTERN.test(text)).toBe(true);
  for (const text of ['', '-1', '1,', '1,2', '1,=3', '1 ,2=3', '1,2=3\n', `1,${'x'.repeat(201)}=1`])
    expect(CURSOR_PATTERN.test(text)).toBe(false);
});
