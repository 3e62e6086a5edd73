/** Holds the state of a chat, and hands lines and effects on. */
import type { Part } from '../text/terminal-text.ts';
import { reduce } from './reduce.ts';
import type { ChatInput, ChatState, Effect } from './state.ts';

export interface Store {
  readonly state: () => ChatState;
  readonly dispatch: (input: ChatInput) => void;
  readonly subscribe: (listener: () => void) => () => void;
  /** Sets who prints lines that stay. Those before that wait for it. Returns what ends it. */
  readonly printWith: (print: (lines: readonly Part[]) => void) => () => void;
}

export function createStore(initial: ChatState, onEffect: (effect: Effect) => void): Store {
  let state = initial;
  const listeners = new Set<() => void>();
  let held: Part[] = [];
  let print: ((lines: readonly Part[]) => void) | null = null;
  /** Lines of one round of events are printed together. */
  let planned = false;
  const flush = () => {
    planned = false;
    if (print === null || held.length === 0) return;
    const lines = held;
    held = [];
    print(lines);
  };
  return {
    state: () => state,
    dispatch(input) {
      // A tick leaves a state alone that does not depend on the time.
      const now = input.type === 'tick' ? state : { ...state, now: Date.now() };
      const { state: next, out, effects } = reduce(now, input);
      const changed = next !== state;
      state = next;
      held.push(...out);
      if (held.length > 0 && !planned) {
        planned = true;
        setImmediate(flush);
      }
      if (changed) for (const listener of listeners) listener();
      for (const effect of effects) onEffect(effect);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    printWith(next) {
      print = next;
      flush();
      return () => {
        flush();
        print = null;
      };
    },
  };
}
