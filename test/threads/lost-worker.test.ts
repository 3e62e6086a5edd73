import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startWorkerChild } from '../kill/worker-child.ts';
import { type TestEnvironment, openEnvironment, turn } from '../environment.ts';

let environment: TestEnvironment;
beforeAll(async () => {
  environment = await openEnvironment({ env: { BOBBIN_IDENTITY_MODE: 'off' }, worker: false });
});
afterAll(() => environment.close());

it('a worker whose SDK stops serving exits although a command still runs, and another one takes over', async () => {
  const worker = await startWorkerChild(
    {
      ...environment.env,
      BOBBIN_SHUTDOWN_GRACE_MS: '90000',
      NODE_OPTIONS: `--import ${new URL('../parts/failing-sdk.mjs', import.meta.url).href}`,
    },
    join(environment.cwd, '../lost-worker.log'),
  );
  try {
    const cwd = environment.workspace();
    const thread = await environment.start({ workspace: { cwd } });
    const waiting = turn('run: touch began; sleep 300');
    await thread.submit(waiting);
    await expect.poll(() => existsSync(join(cwd, 'began')), { timeout: 60_000 }).toBe(true);
    process.kill(worker.pid, 'SIGUSR2');
    expect(await worker.exited).toEqual({ code: 1, signal: null });
    expect(worker.output()).toContain('no longer serves its task queue, and exits');
    await environment.worker();
    await thread.interrupt({ turnId: waiting.turnId });
    expect(await thread.completion(waiting.turnId)).toMatchObject({ status: 'aborted' });
  } finally {
    await worker.kill();
  }
});
