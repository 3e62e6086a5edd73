/** The running steps of this process, so that a thread in the same worker can stop them without a round trip. */
import type { StepRegistry } from '../../activities/ports.ts';

export interface LocalSteps extends StepRegistry {
  stop(threadId: string, actionId: string): void;
}

export function createStepRegistry(): LocalSteps {
  const steps = new Map<string, Set<AbortController>>();
  const keyOf = (threadId: string, actionId: string) => `${threadId} ${actionId}`;
  return {
    enter(threadId, actionId) {
      const key = keyOf(threadId, actionId);
      const controller = new AbortController();
      const entered = steps.get(key) ?? new Set();
      steps.set(key, entered.add(controller));
      return {
        signal: controller.signal,
        release() {
          entered.delete(controller);
          if (entered.size === 0 && steps.get(key) === entered) steps.delete(key);
        },
      };
    },
    stop(threadId, actionId) {
      const reason = new Error(`Step ${actionId} of thread ${threadId} was stopped by its thread`);
      for (const controller of steps.get(keyOf(threadId, actionId)) ?? []) controller.abort(reason);
    },
  };
}
