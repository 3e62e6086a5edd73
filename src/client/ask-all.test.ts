import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { askAll } from './ask-all.ts';
import type { Service } from './service.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Calls end with their deadline. */
const service = {
  deadlineMs: 10_000,
  within: (call: () => Promise<unknown>, ms: number) =>
    Promise.race([call(), new Promise((_, reject) => setTimeout(() => reject(new Error('late')), ms))]),
} as unknown as Service;

const never = () => new Promise<never>(() => undefined);
const threads = (count: number, isServed: (index: number) => boolean) =>
  Array.from({ length: count }, (_, index) => (isServed(index) ? () => Promise.resolve(index) : never));

async function ask(all: (() => Promise<number>)[]) {
  const begunAt = Date.now();
  const asking = askAll(service, all, (quick, one) => quick.within(one));
  await vi.runAllTimersAsync();
  return { answers: await asking, ms: Date.now() - begunAt };
}

it('waits three seconds for those that do not answer, and has the answers of the others in their order', async () => {
  const { answers, ms } = await ask(threads(30, (index) => index % 2 === 1));
  expect(answers).toEqual(Array.from({ length: 30 }, (_, index) => (index % 2 === 1 ? index : null)));
  expect(ms).toBe(3_000);
});

it('asks those behind many that do not answer, and ends within six seconds however many there are', async () => {
  const few = await ask(threads(60, (index) => index > 40));
  expect(few.answers.filter((answer) => answer !== null)).toHaveLength(19);
  expect((await ask(threads(1_000, () => false))).ms).toBe(6_000);
});

it('has every answer of a task queue with a worker, however many others have none', async () => {
  const isServed = (index: number) => index % 30 === 29;
  const all = Array.from({ length: 900 }, (_, index) => index);
  const ask = (quick: Service, index: number) => quick.within(isServed(index) ? () => Promise.resolve(index) : never);
  const asking = askAll(service, all, ask, (index) => `queue-${index % 30}`);
  await vi.runAllTimersAsync();
  expect((await asking).filter((answer) => answer !== null)).toEqual(all.filter(isServed));
});
