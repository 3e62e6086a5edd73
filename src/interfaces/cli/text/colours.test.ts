import { expect, it } from 'vitest';
import { wantsColours } from './colours.ts';

it('colours a terminal, unless NO_COLOR or FORCE_COLOR says otherwise', () => {
  expect(wantsColours({}, true)).toBe(true);
  expect(wantsColours({}, false)).toBe(false);
  expect(wantsColours({ NO_COLOR: '1' }, true)).toBe(false);
  expect(wantsColours({ NO_COLOR: '' }, true)).toBe(true);
  expect(wantsColours({ FORCE_COLOR: '1' }, false)).toBe(true);
  expect(wantsColours({ FORCE_COLOR: '' }, false)).toBe(true);
  expect(wantsColours({ FORCE_COLOR: '0' }, true)).toBe(false);
  expect(wantsColours({ FORCE_COLOR: '1', NO_COLOR: '1' }, false)).toBe(true);
});
