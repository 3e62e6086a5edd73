import { expect, it } from 'vitest';
import { leastWebSearch } from './web-search.ts';

it('allows neither more than was asked for nor more than the operator allows', () => {
  expect(leastWebSearch('live', 'cached')).toBe('cached');
  expect(leastWebSearch('cached', 'live')).toBe('cached');
  expect(leastWebSearch('live', 'off')).toBe('off');
  expect(leastWebSearch('off', 'live')).toBe('off');
  expect(leastWebSearch('live', 'live')).toBe('live');
});
