import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, it, vi } from 'vitest';
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
  // A look at the whole machine, where other tests run commands, too.
  const id = randomUUID();
  const child = await startReady('echo ready; while :; do sleep 300; done', { [COMMAND_MARKER]: `${id}-12` });
  const table = createProcessTable();
  const exited = once(child, 'exit');
  expect(await table.find({ commandIds: new Set([`${id}-1`, `${id}-123`]) })).toEqual([]);
  expect(await table.find({ commandIds: new Set([`${id}-12`]) })).toContain(child.pid);
  await endProcesses(table, { commandIds: new Set([`${id}-12`]), exited });
  expect(await table.find({ commandIds: new Set([`${id}-12`]) })).toEqual([]);
});

it('finds all commands of a thread and of those below it by one id', async () => {
  const thread = `tool/${randomUUID()}`;
  const mark = { [COMMAND_MARKER]: `${thread}/1/2/7` };
  const child = await startReady('echo ready; while :; do sleep 300; done', mark);
  const table = createProcessTable();
  const exited = once(child, 'exit');
  const others = ['/1/2', '/1', '/1/3/*', '/1/2/7/*', '/1*'].map((end) => `${thread}${end}`);
  expect(await table.find({ commandIds: new Set(others) })).toEqual([]);
  expect(await table.find({ commandIds: new Set([`${thread}/1/*`]) })).toContain(child.pid);
  await endProcesses(table, { commandIds: new Set([`${thread}/1/2/*`]), exited });
  expect(await table.find({ commandIds: new Set([`${thread}/1/*`]) })).toEqual([]);
});

it('has nothing to do where nothing is left', async () => {
  const target = { commandIds: new Set(['a-command-that-never-was']) };
  expect(await endProcesses(createProcessTable(), target)).toEqual({ ended: 0, killed: 0, gone: true });
});

it('gives processes a tenth of a second between SIGTERM and SIGKILL', async () => {
  const sent: { signal: NodeJS.Signals | number | undefined; at: number }[] = [];
  const kill = vi.spyOn(process, 'kill').mockImplementation((_, signal) => {
    sent.push({ signal: signal as NodeJS.Signals, at: performance.now() });
    return true;
  });
  // Without real processes, nothing takes time but the grace.
  const find = () => Promise.resolve(sent.some(({ signal }) => signal === 'SIGKILL') ? [] : [4_000_001]);
  const report = await endProcesses({ find }, { commandIds: new Set() });
  kill.mockRestore();
  expect(report).toEqual({ ended: 1, killed: 1, gone: true });
  const [term, killed] = sent as [(typeof sent)[0], (typeof sent)[0]];
  expect([term.signal, killed.signal]).toEqual(['SIGTERM', 'SIGKILL']);
  expect(killed.at - term.at).toBeGreaterThanOrEqual(99);
});

it('kills nothing that ends within the time that it is given', async () => {
  const child = await startReady('trap "sleep 0.02; exit" TERM; echo ready; while :; do sleep 0.01; done');
  const exited = once(child, 'exit');
  const target = { commandIds: new Set<string>(), group: child.pid!, exited };
  expect(await endProcesses(createGroupTable(), target, 20_000)).toMatchObject({ killed: 0, gone: true });
});
