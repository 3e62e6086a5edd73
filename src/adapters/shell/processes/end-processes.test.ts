import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { endProcesses } from './end-processes.ts';
import { COMMAND_MARKER, createGroupTable, createProcessTable } from './process-table.ts';
import { isRunning } from '../test-bench.ts';

async function startReady(command: string, environment: Record<string, string> = {}): Promise<ChildProcess> {
  const child = spawn('bash', ['-c', command], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...environment },
  });
  await once(child.stdout, 'data');
  return child;
}

it('ends a group where nothing but the group is known', async () => {
  const child = await startReady('trap "" TERM; echo ready; exec sleep 300');
  const exited = once(child, 'exit');
  const report = await endProcesses(createGroupTable(), { commandIds: new Set(), group: child.pid!, exited });
  expect(report.gone).toBe(true);
  expect(isRunning(child.pid!)).toBe(false);
});

it('finds a process by the whole of its id only', async () => {
  const child = await startReady('echo ready; while :; do sleep 300; done', { [COMMAND_MARKER]: 'command-12' });
  const table = createProcessTable();
  const exited = once(child, 'exit');
  expect(await table.find({ commandIds: new Set(['command-1', 'command-123']) })).toEqual([]);
  expect(await table.find({ commandIds: new Set(['command-12']) })).toContain(child.pid);
  await endProcesses(table, { commandIds: new Set(['command-12']), exited });
  expect(await table.find({ commandIds: new Set(['command-12']) })).toEqual([]);
});

it('has nothing to do where nothing is left', async () => {
  const target = { commandIds: new Set(['a-command-that-never-was']) };
  expect(await endProcesses(createProcessTable(), target)).toEqual({ ended: 0, gone: true });
});
