/**
 * The places for steps of a worker. Sessions that run are waited for in none of them: otherwise as many threads with a session
 * would keep every other step, also the one that ends sessions, from running.
 */
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

const WAITS = 'awaitSessions';

/** @param most how many steps run at the same time */
export function createStepSlots(most: number): CustomSlotSupplier<ActivitySlotInfo> {
  let free = most;
  const waiting = new Set<() => void>();
  const giveBack = (): void => {
    free += 1;
    const [next] = waiting;
    next?.();
  };
  const take = (): SlotPermit | null => {
    if (free === 0) return null;
    free -= 1;
    return {};
  };
  return {
    type: 'custom',
    reserveSlot: (_about, signal) =>
      new Promise((resolve, reject) => {
        const tryIt = (): void => {
          const permit = take();
          if (permit === null) return;
          waiting.delete(tryIt);
          resolve(permit);
        };
        signal.addEventListener('abort', () => {
          if (waiting.delete(tryIt)) reject(signal.reason as Error);
        });
        waiting.add(tryIt);
        tryIt();
      }),
    tryReserveSlot: take,
    markSlotUsed({ slotInfo }) {
      if (slotInfo.activityType === WAITS) giveBack();
    },
    releaseSlot({ slotInfo }) {
      if (slotInfo?.activityType !== WAITS) giveBack();
    },
  };
}
