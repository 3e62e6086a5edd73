import { expect, it } from 'vitest';
import { createStepSlots } from './step-slots.ts';

const ABOUT = { slotType: 'activity', taskQueue: '', workerIdentity: '', workerBuildId: '', isSticky: false } as const;
const { signal } = new AbortController();
const infoOf = (activityType: string) => ({ type: 'activity', activityType }) as const;
const step = { slotInfo: infoOf('execCommand'), permit: {} };
const wait = { slotInfo: infoOf('awaitSessions'), permit: {} };

it('as many steps run as may, in the order in which they were asked for', async () => {
  const slots = createStepSlots(1);
  await slots.reserveSlot(ABOUT, signal);
  slots.markSlotUsed(step);
  const got: number[] = [];
  const asked = [1, 2].map((number) => slots.reserveSlot(ABOUT, signal).then(() => got.push(number)));
  expect(slots.tryReserveSlot(ABOUT)).toBeNull();
  slots.releaseSlot(step);
  await asked[0];
  expect(got).toEqual([1]);
  // A poll that brought no step.
  slots.releaseSlot({ permit: {} });
  await asked[1];
  expect(slots.tryReserveSlot(ABOUT)).toBeNull();
});

it('a step that waits for sessions takes no place', async () => {
  const slots = createStepSlots(1);
  for (let waits = 0; waits < 3; waits += 1) {
    await slots.reserveSlot(ABOUT, signal);
    slots.markSlotUsed(wait);
  }
  for (let waits = 0; waits < 3; waits += 1) slots.releaseSlot(wait);
  expect(slots.tryReserveSlot(ABOUT)).not.toBeNull();
  expect(slots.tryReserveSlot(ABOUT)).toBeNull();
});

it('a poll that is given up leaves its place to others', async () => {
  const slots = createStepSlots(1);
  await slots.reserveSlot(ABOUT, signal);
  const givenUp = new AbortController();
  const asked = slots.reserveSlot(ABOUT, givenUp.signal);
  givenUp.abort();
  await expect(asked).rejects.toThrow();
  slots.releaseSlot(step);
  expect(slots.tryReserveSlot(ABOUT)).not.toBeNull();
});
