import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { CommandReport, CommandSpec } from '../../../../activities/ports.ts';
import { createFence } from './fence.ts';
import { createProcessTable } from './process-table.ts';
import { createTestBench, detach, isRunning, readPid, type TestBench } from '../test-bench.ts';

let bench: TestBench;
beforeEach(() => (bench = createTestBench()));
afterEach(() => bench[Symbol.dispose]());

const records = (): string[] =>
  readdirSync(join(bench.stateDirectory, 'commands'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(bench.stateDirectory, 'commands', name));

/** A worker in a separate process that runs one command; resolves once the command has printed `ready`. */
async function startWorker(spec: CommandSpec): Promise<{ kill: () => Promise<void> }> {
  const source = `
    import { createCommandRunner } from ${JSON.stringify(join(import.meta.dirname, '../command-runner.ts'))};
    const runner = createCommandRunner({ stateDirectory: ${JSON.stringify(bench.stateDirectory)} });
    const onOutput = ({ text }) => { if (text.includes('ready')) process.send('ready'); };
    await runner.run(${JSON.stringify(spec)}, { signal: new AbortController().signal, onOutput });
  `;
  const worker = spawn(process.execPath, ['--input-type=module', '--no-warnings', '-e', source], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  // It may end by itself, before it is killed.
  const exited = once(worker, 'exit');
  await once(worker, 'message');
  return {
    kill: async () => {
      worker.kill('SIGKILL');
      await exited;
    },
  };
}

const stubborn = (): string =>
  `${detach('orphan')}; trap "" TERM; echo $$ > leader; echo ready; while :; do sleep 300; done`;
const pids = (): number[] => ['leader', 'orphan'].map((name) => readPid(join(bench.workspace, name)));

it('ends what a killed worker left behind', async () => {
  const spec = bench.spec(stubborn());
  const worker = await startWorker(spec);
  expect(records()).toHaveLength(1);
  await worker.kill();
  expect(pids().map(isRunning)).toEqual([true, true]);

  const { ended } = await bench.runner.clean(bench.workspace);
  expect(ended).toBeGreaterThanOrEqual(2);
  expect(pids().map(isRunning)).toEqual([false, false]);
  expect(records()).toEqual([]);
  expect(await bench.runner.clean(bench.workspace)).toMatchObject({ ended: 0 });
});

it('ends what a killed worker left behind before the next command of that workspace runs', async () => {
  const worker = await startWorker(bench.spec(stubborn()));
  await worker.kill();
  const [leader, orphan] = pids();
  const report = await bench.run(
    `grep -hs '^State:' /proc/${String(leader)}/status /proc/${String(orphan)}/status | grep -v zombie; echo looked`,
  );
  expect(report.output).toBe('looked\n');
  expect(pids().map(isRunning)).toEqual([false, false]);
});

it('leaves the commands of a living worker alone, except those that are named', async () => {
  const spec = bench.spec(stubborn());
  const worker = await startWorker(spec);
  try {
    expect(await bench.runner.clean(bench.workspace)).toMatchObject({ ended: 0 });
    expect(await bench.runner.clean(bench.workspace, ['another-command'])).toMatchObject({ ended: 0 });
    expect(await bench.runner.clean(join(bench.folder, 'another-workspace'))).toMatchObject({ ended: 0 });
    expect(pids().map(isRunning)).toEqual([true, true]);

    const { ended } = await bench.runner.clean(bench.workspace, [spec.commandId]);
    expect(ended).toBeGreaterThanOrEqual(2);
    expect(pids().map(isRunning)).toEqual([false, false]);
  } finally {
    await worker.kill();
  }
});

it('ends a named command of its own worker, whose report then says that it is gone', async () => {
  const spec = bench.spec(stubborn());
  let cleaned: Promise<{ ended: number }> | undefined;
  const report: CommandReport = await bench.runner.run(spec, {
    signal: new AbortController().signal,
    onOutput: ({ text }) => {
      if (text.includes('ready')) cleaned ??= bench.runner.clean(bench.workspace, [spec.commandId]);
    },
  });
  expect(report).toMatchObject({ outcome: 'exited', exitCode: null, gone: true });
  expect((await cleaned)?.ended).toBeGreaterThanOrEqual(2);
});

it('takes a worker whose process id was given to another process for dead', async () => {
  const worker = await startWorker(bench.spec(stubborn()));
  const [path] = records();
  await worker.kill();
  const record = JSON.parse(readFileSync(path!, 'utf8')) as Record<string, unknown>;
  writeFileSync(path!, JSON.stringify({ ...record, workerPid: process.ppid, workerStartTime: 1 }));
  expect((await bench.runner.clean(bench.workspace)).ended).toBeGreaterThanOrEqual(2);
  expect(pids().map(isRunning)).toEqual([false, false]);
});

it('removes a record that cannot be read, and says so', async () => {
  const stop = new AbortController();
  const running = bench.runner.run(bench.spec('echo ready; sleep 300'), {
    signal: stop.signal,
    onOutput: () => {
      const path = join(dirname(records()[0]!), 'torn.json');
      writeFileSync(path, '{"commandId": "to');
      stop.abort();
    },
  });
  await running;
  expect(await bench.runner.clean(bench.workspace)).toMatchObject({ ended: 0 });
  expect(bench.log).toEqual([expect.stringContaining('torn.json')]);
  expect(records()).toEqual([]);
});

it('keeps apart ids that cannot be file names', async () => {
  mkdirSync(join(bench.workspace, 'deep'), { recursive: true });
  const report = await bench.run('echo "$BOBBIN_COMMAND_ID"', { commandId: '../../thread/1 turn/2' });
  expect(report.output).toBe('../../thread/1 turn/2\n');
  expect(records()).toEqual([]);
});

it('leaves the records of another host on another machine, which has the same data folder', async () => {
  const spec = bench.spec(stubborn());
  const worker = await startWorker(spec);
  const [path = ''] = records();
  await worker.kill();
  const record = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  const onAnother = { ...record, bootId: 'another', hostId: 'host-b' };
  writeFileSync(path, JSON.stringify(onAnother));
  const fence = createFence({
    stateDirectory: bench.stateDirectory,
    hostId: 'host-a',
    table: createProcessTable(),
    log: () => undefined,
  });
  expect(await fence.clean(bench.workspace)).toEqual({ ended: 0, gone: true });
  await fence.clean(bench.workspace, [spec.commandId]);
  expect(records()).toEqual([path]);
  // Its own, from before a restart of its machine, is removed with what an unlikely process of that mark is.
  writeFileSync(path, JSON.stringify({ ...onAnother, hostId: 'host-a' }));
  await fence.clean(bench.workspace);
  expect(records()).toEqual([]);
});
