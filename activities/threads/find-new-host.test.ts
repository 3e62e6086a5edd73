import { expect, it } from 'vitest';
import type { KnownHost } from '../ports.ts';
import { chooseHost } from './find-new-host.ts';

const KNOWN: KnownHost[] = [
  { id: 'a', group: 'g', status: 'away' },
  { id: 'b', status: 'serving' },
  { id: 'c', group: 'g', status: 'draining' },
  { id: 'd', group: 'g', status: 'serving' },
];
const choose = (host: string | undefined, group: string | undefined, from = 'a') =>
  chooseHost(KNOWN, { from, host, group });
const refusal = (code: string, words: string): Error =>
  expect.objectContaining({ code, message: expect.stringContaining(words) as string }) as Error;

it('any other host that serves takes a thread, and only one of its group if it keeps its folder', () => {
  expect([choose(undefined, undefined), choose(undefined, 'g')]).toEqual(['b', 'd']);
  expect(() => choose(undefined, 'g', 'd')).toThrow(refusal('hostNotServing', 'No other host of group g'));
});

it('a host that has not answered takes none, and the reason says so', () => {
  const wanted = { from: 'a', host: undefined, group: undefined };
  expect(chooseHost(KNOWN, { ...wanted, silent: ['b'] })).toBe('d');
  const words = 'known are a (away), b (does not answer), c (draining), d (does not answer).';
  expect(() => chooseHost(KNOWN, { ...wanted, silent: ['b', 'd'] })).toThrow(refusal('hostNotServing', words));
});

it('a host that is named takes it if it serves, and is in the group if the folder stays', () => {
  expect([choose('b', undefined), choose('d', 'g')]).toEqual(['b', 'd']);
  expect(() => choose('b', 'g')).toThrow(refusal('notMovable', 'Host b is not in group g'));
  expect(() => choose('c', 'g')).toThrow(refusal('hostNotServing', 'is draining'));
  expect(() => choose('z', undefined)).toThrow(refusal('hostUnknown', 'There is no host z'));
});

it('a folder is not kept if its host has left the group', () => {
  expect(() => choose(undefined, 'g', 'b')).toThrow(refusal('notMovable', 'Host b is no longer in group g'));
});
