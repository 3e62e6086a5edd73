import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ThreadHandle } from '../../../client/index.ts';
import { createStore } from './store.ts';
import { begin } from './test-state.ts';
import { createViews } from './views.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A thread that does not answer. */
const silent = { view: () => new Promise<never>(() => undefined) } as unknown as ThreadHandle;

describe('a thread that does not answer', () => {
  it.each([
    ['no worker is left', () => Promise.resolve(false), 'worker'],
    ['a worker is there', () => Promise.resolve(true), 'slow'],
    ['the service refuses', () => Promise.reject(new Error('refused')), 'service'],
    ['the service is silent, too', () => new Promise<never>(() => undefined), 'service'],
  ])('is explained within 3 s: %s', async (_, isServed, trouble) => {
    const store = createStore(begin(), () => undefined);
    createViews({ thread: () => silent, isServed }, store).refresh();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(store.state().trouble).toBe(trouble);
  });
});
