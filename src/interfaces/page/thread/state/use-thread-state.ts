/** The state of a thread, drawn at most twenty times a second, however fast its events come. */
import { useCallback, useReducer, useRef } from 'preact/hooks';
import { type Input, NEW_THREAD, type ThreadState, reduce } from './thread-state.ts';

const FRAME_MS = 50;
/** A tab in the background has its timers slowed down, so what it gathers is bounded by this. */
const MAX_GATHERED = 1_000;

export function useThreadState(): [ThreadState, (input: Input) => void] {
  const [state, dispatch] = useReducer(reduceAll, NEW_THREAD);
  const gathered = useRef<Input[]>([]);
  const timer = useRef<number | undefined>(undefined);
  const take = useCallback((input: Input): void => {
    gathered.current.push(input);
    const flush = (): void => {
      window.clearTimeout(timer.current);
      timer.current = undefined;
      dispatch(gathered.current.splice(0));
    };
    const isAtOnce = input.type !== 'event' || gathered.current.length >= MAX_GATHERED;
    if (isAtOnce) flush();
    else timer.current ??= window.setTimeout(flush, FRAME_MS);
  }, []);
  return [state, take];
}

function reduceAll(state: ThreadState, inputs: readonly Input[]): ThreadState {
  return inputs.reduce(reduce, state);
}
