/** Follows the end of the page. A new request is shown from its beginning. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { ThreadState } from './state/thread-state.ts';

/** Of the end of the page, in pixels: nearer than this, new text moves the page. */
const END_PX = 80;

export function useStayAtEnd(state: ThreadState): void {
  const isAtEnd = useRef(true);
  const asked = useRef<string | null>(null);
  useEffect(() => {
    const note = (): void => {
      const { scrollHeight, clientHeight } = document.documentElement;
      isAtEnd.current = scrollHeight - clientHeight - window.scrollY < END_PX;
    };
    window.addEventListener('scroll', note, { passive: true });
    return () => window.removeEventListener('scroll', note);
  }, []);
  useLayoutEffect(() => {
    const first = state.requests[0]?.requestId ?? null;
    const isNew = first !== null && first !== asked.current;
    asked.current = first;
    // While somebody reads what waits, only new requests move the page.
    if (!isAtEnd.current || (first !== null && !isNew)) return;
    if (isNew) document.querySelector('.request')?.scrollIntoView({ block: 'start' });
    else window.scrollTo(0, document.documentElement.scrollHeight);
  }, [state.entries, state.live, state.requests, state.sent, state.plan]);
}
