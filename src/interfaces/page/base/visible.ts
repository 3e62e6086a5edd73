/** Whether somebody can see the tab. Browsers open about six connections to a server, for all its tabs together. */

export async function whenVisible(signal: AbortSignal): Promise<void> {
  if (!document.hidden) return;
  await new Promise<void>((resolve, reject) => {
    const look = (): void => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', look);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', look);
  });
}

/** Fires when the tab has been hidden for some time. Call what is returned to stop watching. */
export function hiddenFor(ms: number): { signal: AbortSignal; end: () => void } {
  const hidden = new AbortController();
  let timer: number | undefined;
  const look = (): void => {
    window.clearTimeout(timer);
    if (document.hidden) timer = window.setTimeout(() => hidden.abort(), ms);
  };
  look();
  document.addEventListener('visibilitychange', look);
  return {
    signal: hidden.signal,
    end: () => {
      window.clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    },
  };
}
