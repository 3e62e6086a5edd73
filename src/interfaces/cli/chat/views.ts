/** Reads the view of a thread for the chat, and notices when nobody answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { ThreadHandle } from '../../../client/index.ts';
import type { PartialEvent, ThreadEvent, ThreadView } from '../../../contract/index.ts';
import type { Trouble } from './state.ts';
import type { Store } from './store.ts';

const VIEW_PAUSE_MS = 150;
/** Without an answer for so long, the reason is looked for. */
const LATE_MS = 1_000;
/** The service answers a question about workers at once. */
const SERVICE_MS = 2_000;

export interface ViewSource {
  thread: () => ThreadHandle | null;
  isServed: () => Promise<boolean>;
}

/** Reads the view, one reading at a time; a wish during a reading leads to one more. */
export function createViews({ thread, isServed }: ViewSource, store: Store) {
  let reading: Promise<void> | null = null;
  let again = false;
  const read = async (of: ThreadHandle): Promise<void> => {
    let isLate = true;
    const late = setTimeout(() => {
      void whyLate(isServed).then((trouble) => {
        if (isLate) store.dispatch({ type: 'trouble', trouble });
      });
    }, LATE_MS);
    try {
      const view = await withWholeRequests(of, await of.view());
      isLate = false;
      if (of !== thread()) return;
      store.dispatch({ type: 'trouble', trouble: null });
      store.dispatch({ type: 'view', view });
    } catch (error) {
      isLate = false;
      store.dispatch({ type: 'trouble', trouble: troubleOf(error) });
    } finally {
      clearTimeout(late);
    }
    await delay(VIEW_PAUSE_MS);
  };
  const refresh = (): void => {
    const of = thread();
    if (of === null) return;
    if (reading !== null) {
      again = true;
      return;
    }
    again = false;
    reading = read(of).finally(() => {
      reading = null;
      if (again) refresh();
    });
  };
  return { refresh, idle: () => reading ?? Promise.resolve() };
}

async function whyLate(isServed: () => Promise<boolean>): Promise<Trouble> {
  const silent = new Promise<null>((resolve) => setTimeout(resolve, SERVICE_MS, null).unref());
  const served = await Promise.race([isServed().catch(() => null), silent]);
  if (served === null) return 'service';
  return served ? 'slow' : 'worker';
}

function troubleOf(error: unknown): Trouble | null {
  if (!(error instanceof BobbinError)) return null;
  if (error.code === 'serviceUnavailable') return 'service';
  return error.code === 'workerUnavailable' ? 'worker' : null;
}

/** Waits for a worker and for the service, and says so. Null after the signal. */
export async function viewWhenReady(
  thread: ThreadHandle,
  store: Store,
  signal: AbortSignal,
): Promise<ThreadView | null> {
  while (!signal.aborted) {
    try {
      const view = await thread.view();
      store.dispatch({ type: 'trouble', trouble: null });
      return view;
    } catch (error) {
      const trouble = troubleOf(error);
      const isOpening =
        error instanceof BobbinError && (error.code === 'threadOpening' || error.code === 'betweenWorkers');
      if (trouble === null && !isOpening) throw error;
      if (trouble !== null) store.dispatch({ type: 'trouble', trouble });
      await delay(500, undefined, { signal }).catch(() => undefined);
    }
  }
  return null;
}

/** A person who decides must see all of a request. If its item is gone, the request says that it is cut. */
export async function withWholeRequest<T extends ThreadEvent | PartialEvent>(
  thread: ThreadHandle,
  event: T,
): Promise<T> {
  if (!('request' in event)) return event;
  return { ...event, request: await thread.wholeRequest(event.request).catch(() => event.request) };
}

export async function withWholeRequests(thread: ThreadHandle, view: ThreadView): Promise<ThreadView> {
  const openRequests = await Promise.all(
    view.openRequests.map((request) => thread.wholeRequest(request).catch(() => request)),
  );
  return { ...view, openRequests };
}
