/** Bounds in bytes, on the real service: what does not fit is refused, and what was taken is carried from run to run. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assertHealthy } from '../parts/raw-client.ts';
import { type TestEnvironment, eventsSoFar, openEnvironment, turn, waitForEvent } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off', BOBBIN_CONTINUE_AFTER_EVENTS: '40' } });
});
afterAll(() => environment.close());

it('a thread with as much to carry as it may have continues as new, and loses nothing that it has taken', async () => {
  const thread = await environment.start({ instructions: '漢'.repeat(87_000), sandbox: 'danger-full-access' });
  const slow = turn('run: until [ -e go-on ]; do sleep 0.05; done');
  await thread.submit(slow);
  await waitForEvent(thread, 'item/started', ({ item }) => item.type === 'commandExecution');

  const large = () => turn(`say: ${'漢'.repeat(10_000)}`, { onBusy: 'queue' });
  const taken = Array.from({ length: 10 }, large);
  for (const one of taken) await thread.submit(one);
  const late = large();
  await thread.submit(late);
  const refused = await waitForEvent(thread, 'message/rejected', ({ id }) => id === late.turnId);
  expect(refused).toMatchObject({ message: 'submitTurn', code: 'tooMuchWaiting' });
  expect(refused.reason).toMatch(
    /^30\d{4} bytes of queued turns.* wait already, and 30\d{3} more would be above 327680\./,
  );
  await expect(thread.startTurn(large())).rejects.toMatchObject({ code: 'tooMuchWaiting' });
  const input = [{ type: 'text' as const, text: '漢'.repeat(10_000) }];
  await expect(thread.steer({ expectedTurnId: slow.turnId, input })).rejects.toMatchObject({ code: 'tooMuchWaiting' });
  await expect(
    thread.editQueue({ op: 'edit', turnId: taken[0]!.turnId, input: [{ type: 'text', text: '漢'.repeat(30_000) }] }),
  ).rejects.toMatchObject({ code: 'tooMuchWaiting' });

  writeFileSync(join(environment.cwd, 'go-on'), '');
  for (const { turnId } of [slow, ...taken])
    expect(await thread.completion(turnId)).toMatchObject({ status: 'completed' });
  expect((await thread.view()).runCount).toBeGreaterThan(1);
  const rejections = (await eventsSoFar(thread)).filter(({ type }) => type === 'message/rejected');
  expect(rejections).toHaveLength(1);
  await assertHealthy(environment, thread.workflowId);
});
