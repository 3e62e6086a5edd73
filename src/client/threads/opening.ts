/** Waits until a started thread is open or has refused its start argument. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ThreadView } from '../../contract/index.ts';
import { isPassing } from '../ask-again.ts';
import { BobbinError } from '../bobbin-error.ts';
import { reasonOfRefusal } from './refusal.ts';
import type { Service } from '../service.ts';
import type { ThreadHandle } from './thread-handle.ts';

const LOOK_EVERY_MS = 50;
/** Reading the past of a thread may need a replay of a long history. */
const OPENING_DEADLINE_MS = 30_000;

/** Throws `threadRefused` with the reason. */
export async function viewOnceOpen(service: Service, thread: ThreadHandle): Promise<ThreadView> {
  const until = Date.now() + OPENING_DEADLINE_MS;
  for (;;) {
    try {
      return await thread.view({ wait: false });
    } catch (error) {
      if (!isPassing(error) || Date.now() > until) throw error;
      const reason = await reasonOfRefusal(service, thread.workflowId);
      if (reason !== null) throw new BobbinError('threadRefused', reason, error);
      await delay(LOOK_EVERY_MS);
    }
  }
}
