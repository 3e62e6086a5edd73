import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBobbin } from '../../src/client/index.ts';
import { WORKFLOW_TYPE, toWorkflowId } from '../../src/contract/index.ts';
import { type KillFixture, openFixture } from '../kill/fixture.ts';
import { turn } from '../environment.ts';
import { watchThread } from '../kill/watch.ts';

let fixture: KillFixture;
beforeAll(async () => {
  fixture = await openFixture();
  await fixture.worker();
});
afterAll(() => fixture.close());

describe('a reader of a thread', () => {
  it('that was terminated is told so after the last event, and does not wait for ever', async () => {
    const threadId = `terminated-${randomUUID()}`;
    const thread = await fixture.bobbin.threads.start({ threadId, workspace: { cwd: fixture.workspace(threadId) } });
    const { lastSeq } = await thread.view();
    await fixture.bobbin.service.client.workflow.getHandle(thread.workflowId).terminate('by an operator');
    const seen: number[] = [];
    const read = async () => {
      for await (const { seq } of thread.events()) seen.push(seq);
    };
    await expect(read()).rejects.toMatchObject({ code: 'threadClosed' });
    expect(seen.at(-1)).toBeGreaterThanOrEqual(lastSeq);
  });

  it('that was refused for its start argument is told so', async () => {
    const threadId = `refused-${randomUUID()}`;
    const { client, taskQueue } = fixture.bobbin.service;
    await client.workflow.start(WORKFLOW_TYPE, { workflowId: toWorkflowId(threadId), taskQueue, args: [{ threadId }] });
    const read = fixture.bobbin.threads.get(threadId).completion(turn('say: never').turnId);
    const message = expect.stringContaining('The start argument cannot be used') as string;
    await expect(read).rejects.toMatchObject({ code: 'threadRefused', message });
  });

  it('stops and closes at once while the service is down, and nothing is thrown behind its back', async () => {
    const { address, namespace } = fixture.service;
    const { taskQueue } = fixture.bobbin.service;
    const bobbin = await connectBobbin({ connection: { address }, namespace, taskQueue });
    const threadId = `down-${randomUUID()}`;
    const thread = await bobbin.threads.start({ threadId, workspace: { cwd: fixture.workspace(threadId) } });
    const watch = watchThread(thread);
    await watch.waitFor(({ type }) => type === 'thread/started', 'begin of the thread');
    await fixture.service.kill();
    await expect(thread.submit(turn('say: lost'))).rejects.toMatchObject({ code: 'serviceUnavailable' });
    const stoppingAt = Date.now();
    await watch.stop();
    await bobbin.close();
    expect(Date.now() - stoppingAt).toBeLessThan(30_000);
    await fixture.service.start();
  });
});
