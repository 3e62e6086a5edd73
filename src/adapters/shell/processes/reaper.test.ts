import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findProgram } from '../../programs.ts';
import { createTestBench, isRunning, readPid } from '../test-bench.ts';

const path = process.env['PATH'];
afterEach(() => (process.env['PATH'] = path));

/** Leaves session, group, parent and environment behind; writes its id to the file `hidden`. */
const HIDE =
  `(env -i /usr/bin/setsid /bin/bash -c 'echo $$ > hidden.new; mv hidden.new hidden; exec sleep 300' > /dev/null 2>&1 &) ; ` +
  'until [ -s hidden ]; do sleep 0.01; done';

/** PATH leads to nothing but these, and what a command needs. */
function onlyWith(folder: string, names: string[]): void {
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  for (const name of ['bash', 'mkfifo', 'env', 'mv', 'sleep', ...names]) {
    const found = name === 'python3' ? '/usr/bin/python3' : findProgram(name, []);
    if (found !== undefined) symlinkSync(found, join(programs, name));
  }
  process.env['PATH'] = programs;
}

describe.each([['perl'], ['python3']])('a command without a sandbox, with %s as its reaper', (reaper) => {
  it('reports how it ended, and ends what it hid', async () => {
    using bench = createTestBench();
    onlyWith(bench.folder, [reaper]);
    const report = await bench.run(`${HIDE}; exit 7`);
    expect(report).toMatchObject({ outcome: 'exited', exitCode: 7, gone: true });
    expect(isRunning(readPid(join(bench.workspace, 'hidden')))).toBe(false);
    expect(await bench.run('kill -9 $$')).toMatchObject({ outcome: 'exited', exitCode: null, gone: true });
  });

  it('keeps nothing of the reaper in its environment or its files', async () => {
    using bench = createTestBench();
    onlyWith(bench.folder, [reaper]);
    const { output } = await bench.run('env; [ -e /dev/fd/3 ] || echo closed');
    expect(output).not.toContain('REAPER');
    expect(output).toContain('closed');
  });

  it('ends what it hid when it is stopped', async () => {
    using bench = createTestBench();
    onlyWith(bench.folder, [reaper]);
    expect(await bench.runUntilReady(`${HIDE}; echo ready; sleep 300`)).toMatchObject({
      outcome: 'aborted',
      gone: true,
    });
    expect(isRunning(readPid(join(bench.workspace, 'hidden')))).toBe(false);
  });
});

it('without a reaper nothing is called gone', async () => {
  using bench = createTestBench();
  onlyWith(bench.folder, []);
  expect(await bench.run('exit 7')).toMatchObject({ outcome: 'exited', exitCode: 7, gone: false });
});
