/** Messages from a thread to its own worker, faster than through the service. Best effort; nothing depends on them. */
import { type Sinks, proxySinks } from '@temporalio/workflow';
import type { Place, ThreadContext } from '../../../activities/ports.ts';

export interface ThreadSinks extends Sinks {
  /** Stops a step at once if it runs in the worker of its thread. */
  steps: { stop(actionId: string): void };
  /** A model step that runs there need not query for the conversation. */
  contexts: { offer(context: ThreadContext): void };
  /** The first step of a turn need not wait for a look at the repository. */
  looks: { begin(actionId: string, place: Place): void };
}

export const { steps, contexts, looks } = proxySinks<ThreadSinks>();
