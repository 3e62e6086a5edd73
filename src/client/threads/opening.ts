/** Waits until a started thread is open, or says why it is not. */
import type { ThreadOpening, ThreadView } from '../../contract/index.ts';
import { toHostWaitWords } from '../../contract/plain/words/waiting-words.ts';
import { again, isPassing } from '../ask-again.ts';
import { BobbinError } from '../bobbin-error.ts';
import { reasonOfRefusal } from './refusal.ts';
import type { Service } from '../service.ts';

/** Reading the past of a thread may need a replay of a long history. */
const OPENING_DEADLINE_MS = 30_000;

interface OpeningThread {
  workflowId: string;
  view(options: { wait: boolean }): Promise<ThreadView>;
  opening(): Promise<ThreadOpening | null>;
}

/** Throws `threadRefused` with the reason, or `threadOpening`, which names the host that the thread waits for. */
export async function viewOnceOpen(
  service: Service,
  thread: OpeningThread,
  deadlineMs = OPENING_DEADLINE_MS,
): Promise<ThreadView> {
  const look = async (): Promise<ThreadView> => {
    try {
      return await thread.view({ wait: false });
    } catch (error) {
      const reason = isOpening(error) ? await reasonOfRefusal(service, thread.workflowId) : null;
      throw reason === null ? error : new BobbinError('threadRefused', reason, error);
    }
  };
  try {
    return await again(look, isPassing, { until: Date.now() + deadlineMs });
  } catch (error) {
    throw isOpening(error) ? await withHost(thread, error) : error;
  }
}

export function isOpening(error: unknown): error is BobbinError {
  return error instanceof BobbinError && error.code === 'threadOpening';
}

async function withHost(thread: OpeningThread, error: BobbinError): Promise<BobbinError> {
  const opening = await thread.opening().catch(() => null);
  if (opening?.waitsFor == null) return error;
  const message = `${error.message} It waits for ${toHostWaitWords(opening.waitsFor)}.`;
  return new BobbinError('threadOpening', message, error);
}
