import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Connection } from '@temporalio/client';
import { expect, inject, test, vi } from 'vitest';

const program = fileURLToPath(new URL('../../deploy/worker-health.mjs', import.meta.url));
const { address, namespace } = inject('temporal');

async function askHealth(taskQueue: string): Promise<{ exitCode: number; said: string }> {
  const env = { PATH: process.env['PATH'], TEMPORAL_ADDRESS: address, BOBBIN_TASK_QUEUE: taskQueue };
  return await new Promise((resolve) => {
    execFile(process.execPath, [program], { env }, (error, _stdout, said) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), said });
    });
  });
}

test('a container is healthy while its own worker asks for work, and not because of another one', async () => {
  const connection = await Connection.connect({ address, connectTimeout: 30_000 });
  const { workflowService } = connection;
  const controller = new AbortController();
  const poll = async (name: string, identity: string) => {
    const polling = connection.withAbortSignal(controller.signal, () =>
      connection.withDeadline(Date.now() + 110_000, () =>
        workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name }, identity }),
      ),
    );
    polling.catch(() => undefined);
    await vi.waitFor(async () => {
      const { pollers } = await workflowService.describeTaskQueue({ namespace, taskQueue: { name } });
      expect(pollers.map((poller) => poller.identity)).toContain(identity);
    }, 30_000);
  };
  try {
    await Promise.all([poll('health-ours', `7@${hostname()}`), poll('health-theirs', '7@another-host')]);
    expect(await askHealth('health-ours')).toEqual({ exitCode: 0, said: '' });
    expect(await askHealth('health-theirs')).toEqual({
      exitCode: 1,
      said: `No worker of ${hostname()} polls the task queue health-theirs.\n`,
    });
  } finally {
    controller.abort();
    await connection.close();
  }
});
