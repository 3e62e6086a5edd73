/** What the page shows is in its address, behind `#`. */
export type Place =
  { at: 'threads' | 'reviews' | 'schedules' } | { at: 'thread' | 'batch' | 'target' | 'schedule'; id: string };

const LISTS = { threads: '', reviews: 'reviews', schedules: 'schedules' } as const;
const PATHS = { thread: 'threads', batch: 'batches', target: 'targets', schedule: 'schedules' } as const;

export function toHash(place: Place): string {
  return 'id' in place ? `#/${PATHS[place.at]}/${encodeURIComponent(place.id)}` : `#/${LISTS[place.at]}`;
}

/** The list of threads if nothing else fits. */
export function readHash(hash: string): Place {
  const [, path = '', encoded] = /^#\/([a-z]*)(?:\/(.+))?$/.exec(hash) ?? [];
  if (encoded === undefined) {
    const list = (Object.keys(LISTS) as (keyof typeof LISTS)[]).find((at) => LISTS[at] === path);
    return { at: list ?? 'threads' };
  }
  const one = (Object.keys(PATHS) as (keyof typeof PATHS)[]).find((at) => PATHS[at] === path);
  const id = decode(encoded);
  return one === undefined || id === null ? { at: 'threads' } : { at: one, id };
}

function decode(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}

export function threadAddress(threadId: string): string {
  return toHash({ at: 'thread', id: threadId });
}
