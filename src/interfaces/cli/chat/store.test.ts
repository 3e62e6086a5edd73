import { setImmediate as round } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Effect } from './state.ts';
import { type Store, createStore } from './store.ts';
import { activeView, begin, commandRequest, press, tick, typed } from './test-state.ts';

afterEach(() => vi.useRealTimers());

function storeAt(now: number): { store: Store; effects: Effect[] } {
  vi.useFakeTimers({ toFake: ['Date'], now });
  const effects: Effect[] = [];
  return { store: createStore(begin(), (effect) => effects.push(effect)), effects };
}

describe('the store', () => {
  it('knows the time of a request and of a Ctrl-C, also after a time in which nothing happened', () => {
    const { store, effects } = storeAt(1_000_000);
    store.dispatch({ type: 'view', view: activeView('regular', { openRequests: [commandRequest()] }) });
    store.dispatch(tick(1_000_100));
    store.dispatch(typed('y'));
    expect(effects).toEqual([]);
    const idle = storeAt(2_000_000);
    idle.store.dispatch(press('interrupt'));
    idle.store.dispatch(tick(2_001_000));
    idle.store.dispatch(press('interrupt'));
    expect(idle.effects).toEqual([{ type: 'leave' }]);
  });

  it('draws nothing for a tick while nothing depends on the time', () => {
    const { store } = storeAt(0);
    let drawn = 0;
    store.subscribe(() => (drawn += 1));
    store.dispatch(tick(5_000));
    expect(drawn).toBe(0);
  });

  it('prints lines in order, also those from before there was a screen', async () => {
    const { store } = storeAt(0);
    const printed: unknown[] = [];
    store.dispatch({ type: 'said', lines: ['one'] });
    await round();
    const stop = store.printWith((lines) => printed.push(...lines));
    store.dispatch({ type: 'said', lines: ['two'] });
    stop();
    expect(printed).toEqual(['one', 'two']);
  });
});
