/** What a thread tells its own worker directly, ahead of what goes through the service. Best effort, never needed. */
import { type Sinks, proxySinks } from '@temporalio/workflow';
import type { ThreadContext } from '../../../activities/ports.ts';

export interface ThreadSinks extends Sinks {
  /** A step that runs in the worker of its thread is stopped at once. */
  steps: { stop(actionId: string): void };
  /** A model step that runs there finds the conversation without asking for it. */
  contexts: { offer(context: ThreadContext): void };
}

export const { steps, contexts } = proxySinks<ThreadSinks>();
