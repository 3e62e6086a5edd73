/** An answer of the API that is read again and again, as long as somebody can see it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, isFinal, toProblemWords } from './api.ts';

export interface Polled<T> {
  /** The newest answer; null before the first. */
  value: T | null;
  /** The reason why it is not up to date. */
  trouble: string | null;
  /** Whether it is no longer read, because its answer would always be `trouble`. */
  isOver: boolean;
  refresh: () => void;
}

const REFRESH = 'bobbin-refresh';
/** From a failed request to the next one. */
export const RETRY_MS = 2_000;

/** Reads everything that is shown again: something has changed. */
export function refreshAll(): void {
  window.dispatchEvent(new Event(REFRESH));
}

/** @param everyMs from an answer to the next request. A new `path` keeps the old answer until it has its own. */
export function usePolled<T>(path: string, everyMs: number): Polled<T> {
  const [state, setState] = useState<Omit<Polled<T>, 'refresh'>>({ value: null, trouble: null, isOver: false });
  const again = useRef<() => void>(() => undefined);
  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    let isReading = false;
    let isStale = false;
    const plan = (ms: number): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void read(), ms);
    };
    const read = async (): Promise<void> => {
      if (isReading || document.hidden) {
        isStale = true;
        return;
      }
      isReading = true;
      isStale = false;
      const next = await attempt<T>(path, stop.signal);
      isReading = false;
      if (stop.signal.aborted) return;
      setState(({ value }) => ({ value, ...next }));
      if (!next.isOver) plan(next.trouble === null ? everyMs : Math.min(everyMs, RETRY_MS));
    };
    const onVisible = (): void => {
      if (!document.hidden && isStale) plan(0);
    };
    const onRefresh = (): void => plan(0);
    again.current = onRefresh;
    document.addEventListener('visibilitychange', onVisible);
    window.addEventListener(REFRESH, onRefresh);
    void read();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
      window.removeEventListener(REFRESH, onRefresh);
    };
  }, [path, everyMs]);
  return { ...state, refresh: () => again.current() };
}

async function attempt<T>(path: string, signal: AbortSignal) {
  try {
    return { value: await get<T>(path, signal), trouble: null, isOver: false };
  } catch (error) {
    return { trouble: toProblemWords(error), isOver: isFinal(error) };
  }
}
