import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Service } from '../service.ts';
import { watchHistory } from './history-changes.ts';

const stop = new AbortController();
const id = (value: number) => ({ toNumber: () => value });
const taskCompleted = { workflowTaskCompletedEventAttributes: { identity: 'worker', startedEventId: id(1) } };
const stepStarted = { eventId: id(5), activityTaskScheduledEventAttributes: {} };
const stepCompleted = { activityTaskCompletedEventAttributes: { scheduledEventId: id(5) } };
const stepToldToStop = { activityTaskCancelRequestedEventAttributes: { scheduledEventId: id(5) } };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Reads a history that comes in these parts; after the last, the service has nothing new. */
function watch(parts: object[][], untilRest: boolean) {
  const left = [...parts];
  const getWorkflowExecutionHistory = () => {
    const events = left.shift();
    return events === undefined
      ? new Promise<never>(() => undefined)
      : Promise.resolve({ nextPageToken: new Uint8Array(1), history: { events } });
  };
  const service = {
    namespace: 'default',
    connection: {
      workflowService: { getWorkflowExecutionHistory },
      withDeadline: (_: number, call: () => unknown) => call(),
    },
    untilAborted: (_: AbortSignal, call: () => unknown) => call(),
  };
  const changes = watchHistory(service as unknown as Service, 'thread/t', stop.signal, { untilRest });
  return { left, next: changes.next() };
}

async function msUntilNews({ next }: { next: Promise<void> }): Promise<number> {
  const before = Date.now();
  const settled = vi.fn<() => void>();
  void next.then(settled);
  while (settled.mock.calls.length === 0 && Date.now() - before < 5_000) await vi.advanceTimersByTimeAsync(10);
  return Date.now() - before;
}

it('wakes a reader of all events at each completed task', async () => {
  const reading = watch(
    [
      [taskCompleted, stepStarted],
      [stepCompleted, taskCompleted],
    ],
    false,
  );
  await reading.next;
  expect(reading.left).toHaveLength(1);
});

it.each([
  ['has ended', stepCompleted],
  ['was told to stop', stepToldToStop],
])('wakes one who waits for the end of work when its step %s', async (_, end) => {
  const reading = watch([[taskCompleted, stepStarted], [end], [taskCompleted]], true);
  expect(await msUntilNews(reading)).toBeLessThan(200);
  expect(reading.left).toEqual([]);
});

it('wakes one who waits for the end of work now and then while a step runs', async () => {
  expect(await msUntilNews(watch([[taskCompleted, stepStarted]], true))).toBe(500);
});
