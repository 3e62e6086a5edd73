/** What the page shows is in its address, behind `#`. */
const THREAD = /^#\/threads\/(.+)$/;

export function threadAddress(threadId: string): string {
  return `#/threads/${encodeURIComponent(threadId)}`;
}

/** Null if the address is that of the list. */
export function threadOf(hash: string): string | null {
  const [, id] = THREAD.exec(hash) ?? [];
  try {
    return id === undefined ? null : decodeURIComponent(id);
  } catch {
    return null;
  }
}
