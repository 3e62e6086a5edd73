import { existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestBench, detach, isRunning, readPid } from './test-bench.ts';

const bench = createTestBench();
afterAll(() => bench[Symbol.dispose]());

const inWorkspace = (name: string): string => join(bench.workspace, name);
const recordsLeft = (): string[] =>
  readdirSync(join(bench.stateDirectory, 'commands'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.json'),
  );

describe('a command that ends by itself', () => {
  it('reports its exit code and what it printed, both streams in the order they were written', async () => {
    const report = await bench.run('echo one; echo two >&2; echo three; echo four > /dev/stderr; exit 7');
    expect(report).toEqual({
      outcome: 'exited',
      exitCode: 7,
      output: 'one\ntwo\nthree\nfour\n',
      outputBytes: 19,
      truncated: false,
      durationMs: expect.any(Number) as number,
      gone: true,
    });
  });

  it('has no exit code where a signal ended it', async () => {
    expect(await bench.run('kill -9 $$')).toMatchObject({ outcome: 'exited', exitCode: null, gone: true });
  });

  it('reads nothing and has no terminal', async () => {
    const report = await bench.run('cat; test -t 1 && echo terminal; echo "$TERM $GIT_PAGER"; tty');
    expect(report.output).toBe('dumb cat\nnot a tty\n');
  });

  it('does not see the secrets and settings of the worker', async () => {
    process.env['OPENAI_API_KEY'] = 'sk-hidden';
    process.env['BOBBIN_SETTING'] = 'hidden';
    try {
      const { output } = await bench.run('env');
      expect(output).toContain('PATH=');
      expect(output).not.toContain('hidden');
    } finally {
      delete process.env['OPENAI_API_KEY'];
      delete process.env['BOBBIN_SETTING'];
    }
  });

  it('leaves no background process behind, and its report does not wait for one', async () => {
    const report = await bench.run('sleep 300 & echo $! > background; echo done');
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, output: 'done\n', gone: true });
    expect(report.durationMs).toBeLessThan(20_000);
    expect(isRunning(readPid(inWorkspace('background')))).toBe(false);
  });

  it('leaves no detached process behind that ignores SIGTERM', async () => {
    const report = await bench.run(`${detach('daemon')}; echo done`);
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, output: 'done\n', gone: true });
    expect(isRunning(readPid(inWorkspace('daemon')))).toBe(false);
  });

  it('leaves no record behind', async () => {
    await bench.run('true');
    expect(recordsLeft()).toEqual([]);
  });
});

describe('a command that is stopped', () => {
  it('may clean up when it gets SIGTERM, and reports what it printed until then', async () => {
    using patient = createTestBench({ graceMs: 20_000 });
    const report = await patient.runUntilReady(
      'trap "echo cleaned; exit 3" TERM; echo ready; while :; do sleep 0.01; done',
    );
    expect(report).toMatchObject({
      outcome: 'aborted',
      exitCode: 3,
      output: expect.stringMatching(/^ready\n[^]*cleaned\n/) as string,
      gone: true,
    });
  });

  it('is killed where it ignores SIGTERM', async () => {
    const report = await bench.runUntilReady(
      'trap "" TERM; echo $$ > stubborn; echo ready; while :; do sleep 300; done',
    );
    const killed = expect.stringMatching(
      /^ready\n(A process|\d processes) ignored SIGTERM for 100 ms and (was|were) killed\.\n$/,
    ) as string;
    expect(report).toMatchObject({ outcome: 'aborted', exitCode: null, output: killed, gone: true });
    expect(report.killed).toBeGreaterThan(0);
    expect(bench.log).toContainEqual(
      expect.stringMatching(/of command \S+ of thread thread-1 ignored SIGTERM for 100 ms/),
    );
    expect(isRunning(readPid(inWorkspace('stubborn')))).toBe(false);
  });

  it('takes grandchildren with it that detached and ignore SIGTERM', async () => {
    const report = await bench.runUntilReady(`${detach('orphan')}; echo ready; sleep 300`);
    expect(report).toMatchObject({ outcome: 'aborted', gone: true });
    expect(isRunning(readPid(inWorkspace('orphan')))).toBe(false);
  });

  it('takes a child with it that wiped its environment and left the session', async () => {
    const report = await bench.runUntilReady(
      "env -i setsid bash -c 'echo $$ > wiped; while :; do sleep 300; done' & " +
        'until [ -s wiped ]; do sleep 0.01; done; echo ready; wait',
    );
    expect(report).toMatchObject({ outcome: 'aborted', gone: true });
    expect(isRunning(readPid(inWorkspace('wiped')))).toBe(false);
  });

  it('ends after its time with outcome timedOut', async () => {
    const report = await bench.run('echo begun; sleep 300', { timeoutMs: 2_000 });
    expect(report).toMatchObject({ outcome: 'timedOut', exitCode: null, output: 'begun\n', gone: true });
  });

  it('is not started where the signal fired before', async () => {
    const report = await bench.runner.run(bench.spec('touch started'), {
      signal: AbortSignal.abort(),
      onOutput: () => undefined,
    });
    expect(report).toMatchObject({ outcome: 'aborted', exitCode: null, output: '', gone: true });
    expect(existsSync(inWorkspace('started'))).toBe(false);
  });

  it('does not mind being stopped twice', async () => {
    const stop = new AbortController();
    const report = await bench.runner.run(bench.spec('echo ready; sleep 300'), {
      signal: stop.signal,
      onOutput: () => {
        stop.abort();
        stop.abort();
      },
    });
    expect(report).toMatchObject({ outcome: 'aborted', output: 'ready\n', gone: true });
  });
});

describe('the output of a command', () => {
  it('is kept at head and tail and counted in the middle, however much there is', async () => {
    const before = process.memoryUsage().rss;
    const report = await bench.run('echo first; yes | head -c 300000000; echo last');
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 0, outputBytes: 300_000_011, truncated: true });
    expect(report.output).toMatch(/^first\ny\n/);
    expect(report.output).toMatch(/\n… 299,983,627 bytes \(149,99\d,\d{3} lines\) omitted …\n/);
    expect(report.output).toMatch(/y\nlast\n$/);
    expect(Buffer.byteLength(report.output)).toBeLessThan(16_384 + 100);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });

  it('lets timers run while much of it arrives', async () => {
    const gaps: number[] = [];
    // In processor time: a busy machine may stop this process for longer.
    let last = process.cpuUsage();
    const beat = setInterval(() => {
      const { user, system } = process.cpuUsage(last);
      gaps.push((user + system) / 1_000);
      last = process.cpuUsage();
    }, 20);
    await bench.run('yes | head -c 200000000');
    clearInterval(beat);
    expect(gaps.length).toBeGreaterThan(2);
    expect(Math.max(...gaps)).toBeLessThan(500);
  });

  it('is text even where the bytes are not', async () => {
    const { output, outputBytes } = await bench.run(String.raw`printf 'a\xff\xfeb\xc3\xa9'`);
    expect({ output, outputBytes }).toEqual({ output: 'a\ufffd\ufffdbé', outputBytes: 6 });
  });

  it('is shown while it comes, the last part of it and not too often', async () => {
    const tails: string[] = [];
    await bench.runner.run(bench.spec('for i in $(seq 1 3000); do echo "line $i"; done; sleep 0.1; echo end'), {
      signal: new AbortController().signal,
      onOutput: ({ text }) => tails.push(text),
    });
    expect(tails.at(-1)).toMatch(/line 3000\nend\n$/);
    expect(Math.max(...tails.map((tail) => Buffer.byteLength(tail)))).toBeLessThanOrEqual(2_048);
    expect(tails.length).toBeLessThan(100);
  });
});

describe('a command that cannot start', () => {
  it('fails with workspaceMissing where the folder is not there or is a file', async () => {
    writeFileSync(inWorkspace('file'), '');
    const missing = inWorkspace('nowhere');
    await expect(bench.run('true', { cwd: missing })).rejects.toMatchObject({
      code: 'workspaceMissing',
      message: expect.stringContaining(missing) as string,
    });
    await expect(bench.run('true', { cwd: inWorkspace('file') })).rejects.toMatchObject({ code: 'workspaceMissing' });
  });

  it('begins without a sandbox in no folder of the workspace that is a link out of it', async () => {
    symlinkSync(tmpdir(), inWorkspace('out'));
    const run = bench.run('echo began', { cwd: inWorkspace('out') });
    await expect(run).rejects.toMatchObject({
      code: 'workspaceMoved',
      message: expect.stringContaining(realpathSync(tmpdir())) as string,
    });
    mkdirSync(inWorkspace('folder'));
    symlinkSync('folder', inWorkspace('in'));
    expect(await bench.run('echo began', { cwd: inWorkspace('in') })).toMatchObject({ output: 'began\n' });
  });

  it('runs a command that is too long for an argument, and leaves no file', async () => {
    const long = `echo ${'x'.repeat(200_000)} | wc -c; ls /dev/fd | grep -c 4`;
    expect(await bench.run(long)).toMatchObject({ outcome: 'exited', output: '200001\n0\n' });
    expect(readdirSync(bench.stateDirectory).filter((name) => name.startsWith('script-'))).toEqual([]);
    expect(recordsLeft()).toEqual([]);
  });

  it('is told what no command can hold, since another one would run, or none', async () => {
    const asked = [
      ['printf a\0b', 'The command was not started: a command cannot hold a NUL character.'],
      ['printf \ud83d', 'The command was not started: it holds half of a surrogate pair, which is no character.'],
    ] as const;
    for (const [command, words] of asked)
      await expect(bench.run(command)).rejects.toMatchObject({
        code: 'commandNotStarted',
        message: expect.stringContaining(words) as string,
      });
    expect(recordsLeft()).toEqual([]);
  });

  it('leaves no descriptor open, stopped before its start or without a record, with a terminal', async () => {
    using other = createTestBench();
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    const spec = other.spec('true', { terminal: true });
    const stopped = { signal: AbortSignal.abort(), onOutput: () => undefined };
    expect(await other.runner.run(spec, stopped)).toMatchObject({ outcome: 'aborted', gone: true });
    await expect.poll(open).toBe(before);
    writeFileSync(join(other.stateDirectory, 'commands'), 'a file in the way');
    await expect(other.run('true', { terminal: true })).rejects.toMatchObject({ code: 'commandNotStarted' });
    await expect.poll(open).toBe(before);
  });

  it('fails with commandNotStarted where the state directory cannot be used', async () => {
    using other = createTestBench();
    writeFileSync(other.stateDirectory, 'a file in the way');
    await expect(other.run('true')).rejects.toMatchObject({ code: 'commandNotStarted' });
  });
});

it('runs commands side by side, each with its own output', async () => {
  mkdirSync(inWorkspace('side'), { recursive: true });
  const reports = await Promise.all(
    Array.from({ length: 8 }, (_, index) => bench.run(`sleep 0.0${String(index)}; echo ${String(index)}`)),
  );
  expect(reports.map((report) => report.output)).toEqual(Array.from({ length: 8 }, (_, index) => `${String(index)}\n`));
});
