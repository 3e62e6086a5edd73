import { expect, it } from 'vitest';
import { type WorkerHeartbeat, toServing } from './workers.ts';

const NOW = 1_000_000_000;
const polled = (ago: number) => [{ identity: '1@a', seenAt: new Date(NOW - ago) }];
const beat = (ago: number, more: Partial<WorkerHeartbeat> = {}): WorkerHeartbeat => ({
  ...{ identity: '1@a', at: NOW - ago, everyMs: 5_000, isStopping: false },
  ...more,
});
const serves = (...given: Parameters<typeof toServing>) => toServing(...given).length > 0;

it('counts a worker until its last request is a minute old, if there are no heartbeats', () => {
  expect(serves(polled(60_000), [], NOW)).toBe(true);
  expect(serves(polled(66_000), [], NOW)).toBe(false);
  expect(serves(polled(60_000), [beat(60_000, { identity: '2@a' })], NOW)).toBe(true);
});

it('counts it no longer after three heartbeats that did not come, or once it stops', () => {
  expect(serves(polled(20_000), [beat(14_000)], NOW)).toBe(true);
  expect(serves(polled(20_000), [beat(16_000)], NOW)).toBe(false);
  expect(serves(polled(20_000), [beat(50_000, { everyMs: 60_000 })], NOW)).toBe(true);
  expect(serves(polled(20_000), [beat(0, { isStopping: true })], NOW)).toBe(false);
});

it('takes the newest heartbeat of an identity, and waits for a second one', () => {
  expect(serves(polled(20_000), [beat(40_000), beat(2_000)], NOW)).toBe(true);
  expect(serves(polled(20_000), [beat(40_000, { everyMs: null })], NOW)).toBe(true);
  expect(toServing(polled(20_000), [beat(2_000)], NOW)).toEqual([{ identity: '1@a', seenAt: new Date(NOW - 2_000) }]);
});
