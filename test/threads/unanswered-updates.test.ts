import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withDeadline } from '../../src/client/service.ts';
import { openHandle } from '../../src/client/threads/thread-handle.ts';
import { type TestEnvironment, openEnvironment, runTurn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ worker: false });
});
afterAll(() => environment.close());

it('does a rollback once that was sent twice under one id while there was no worker', async () => {
  const first = await environment.worker();
  const thread = await environment.start();
  for (const text of ['one', 'two', 'three']) await runTurn(thread, `say: ${text}`);
  await first.stop();

  const hasty = openHandle(withDeadline(environment.bobbin.service, 1_000), thread.threadId);
  const rollbackId = `rollback-${randomUUID()}`;
  const send = () => hasty.rollback({ numTurns: 1 }, { rollbackId });
  for (let tries = 0; tries < 2; tries++)
    await expect(send()).rejects.toMatchObject({ code: 'workerUnavailable', mayBeDone: false });

  const second = await environment.worker();
  const { dropped } = await thread.rollback({ numTurns: 1 }, { rollbackId });
  expect(dropped).toHaveLength(1);
  expect(await thread.rollback({ numTurns: 1 }, { rollbackId })).toEqual({ dropped });
  expect((await thread.rollback({ numTurns: 2 })).dropped).toHaveLength(2);
  await expect(thread.rollback({ numTurns: 1 })).rejects.toMatchObject({ code: 'notEnoughTurns' });
  await second.stop();
});
