import { ServiceError } from '@temporalio/client';
import { expect, it } from 'vitest';
import { toProblem } from './problem.ts';
import { GRPC } from '../../client/grpc.ts';
import type { Service } from '../../client/service.ts';
import { openHandle } from '../../client/threads/thread-handle.ts';

/** No worker answers. */
function unserved() {
  const updateIds: string[] = [];
  const noAnswer = Object.assign(new Error('4 DEADLINE_EXCEEDED'), {
    ...{ code: GRPC.DEADLINE_EXCEEDED, details: '', metadata: {} },
  });
  const executeUpdate = (_name: unknown, { updateId }: { updateId: string }) => {
    updateIds.push(updateId);
    return Promise.reject(new ServiceError('the update failed', { cause: noAnswer }));
  };
  const client = { workflow: { getHandle: () => ({ executeUpdate }) } };
  const service = { client, within: <T>(body: () => Promise<T>) => body() } as unknown as Service;
  return { thread: openHandle(service, 'fix-it'), updateIds };
}

const STEER = { expectedTurnId: 't1', input: [{ type: 'text' as const, text: 'and this' }] };

it.each(['rollback', 'steer'] as const)('a %s without an answer says that it may still be done', async (name) => {
  const { thread, updateIds } = unserved();
  const send = (id?: string) =>
    name === 'rollback'
      ? thread.rollback({ numTurns: 1 }, id === undefined ? {} : { rollbackId: id })
      : thread.steer(STEER, id === undefined ? {} : { steerId: id });
  const failed = (sent: Promise<unknown>) =>
    sent.then(
      () => null,
      (error: unknown) => error as Error,
    );
  const first = await failed(send());
  expect(first).toMatchObject({ code: 'workerUnavailable', mayBeDone: true });
  expect(first?.message).toContain('It may still be done once a worker is back: read the thread before you ask again.');
  expect(toProblem(first)).toMatchObject({ problem: { status: 503 }, headers: {} });
  expect(toProblem(first).headers).not.toHaveProperty('retry-after');
  await failed(send());
  expect(new Set(updateIds).size).toBe(2);

  const keyed = await failed(send('mine'));
  expect(keyed).toMatchObject({ code: 'workerUnavailable', mayBeDone: false });
  expect(keyed?.message).toContain('ask again with the same id, mine');
  expect(toProblem(keyed).headers).toHaveProperty('retry-after');
  await failed(send('mine'));
  expect(updateIds.slice(2)).toEqual(['mine', 'mine']);
  expect(await failed(send('no id: has spaces'))).toMatchObject({ code: 'invalid' });
});
