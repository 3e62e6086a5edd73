import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../folders/program-files.ts';
import type { Launch, Launched } from './launched.ts';
import { launch, startLauncher } from './launcher.ts';

const SH = '/bin/sh';
const script = (text: string, more: Partial<Launch> = {}): Launch => {
  return { program: SH, args: ['-c', text], cwd: '/', env: { PATH: '/usr/bin:/bin' }, ...more };
};

function run(what: Launch): { launched: Launched; output: { stdout: string; stderr: string } } {
  const output = { stdout: '', stderr: '' };
  const launched = launch(what, {
    stdout: (chunk) => (output.stdout += chunk.toString('latin1')),
    stderr: (chunk) => (output.stderr += chunk.toString('latin1')),
  });
  return { launched, output };
}

/** The process that has started `sh`, which is the launcher, and not this one. */
async function parentOf(text = ''): Promise<number> {
  const { launched, output } = run(script(`${text} echo $PPID`));
  await launched.ended;
  return Number(output.stdout);
}

/** One that has ended may be waited for by nobody. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [XZ] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('a program that the launcher starts', () => {
  beforeAll(async () => {
    startLauncher();
    expect(await parentOf()).not.toBe(process.pid);
  });

  it('gives its output, its exit code, and gets its input, environment and folder', async () => {
    const { launched, output } = run(
      script('cat; pwd; echo "$ONLY"; env | wc -l; echo bad >&2; exit 3', {
        input: Buffer.from([0xff, 0x0a]),
        cwd: '/usr',
        env: { PATH: '/usr/bin:/bin', ONLY: 'this' },
      }),
    );
    expect(await launched.ended).toEqual({ code: 3 });
    // The shell adds PWD, and some shells two others.
    expect(output.stdout).toMatch(/^\xff\n\/usr\nthis\n\s*[3-5]\n$/);
    expect(output.stderr).toBe('bad\n');
  });

  it('has written all of a large output when it has ended', async () => {
    const { launched, output } = run(script('head -c 30000000 /dev/zero'));
    expect(await launched.ended).toEqual({ code: 0 });
    expect(output.stdout).toHaveLength(30_000_000);
  });

  it('that does not exist has a problem', async () => {
    const { launched } = run({ ...script(''), program: '/nowhere/git' });
    expect(await launched.ended).toEqual({ code: null, problem: expect.stringContaining('ENOENT') as string });
  });

  it('leads a group, whose end is known', async () => {
    const { launched, output } = run(script('sleep 1000 & echo $!; wait'));
    while (output.stdout === '') await new Promise(setImmediate);
    process.kill(-launched.pid!, 'SIGKILL');
    expect(await launched.ended).toEqual({ code: null });
    const sleeper = Number(output.stdout);
    while (isAlive(sleeper)) await new Promise(setImmediate);
  });

  it('ends when the launcher is killed, with a problem, and the next one runs all the same', async () => {
    const { launched, output } = run(script('echo $PPID; exec sleep 1000'));
    while (output.stdout === '') await new Promise(setImmediate);
    process.kill(Number(output.stdout), 'SIGKILL');
    const problem = expect.stringContaining('has ended') as string;
    expect(await launched.ended).toEqual({ code: null, problem });
    const { pid } = launched;
    while (isAlive(pid!)) await new Promise(setImmediate);
    expect(await parentOf()).toBe(process.pid);
  });
});

describe('without its worker', () => {
  let worker: ChildProcess;
  let pids: number[];
  beforeAll(async () => {
    const module = JSON.stringify(`${PACKAGE_ROOT}/src/adapters/launcher/launcher.ts`);
    const text = `const { launch, startLauncher } = await import(${module}); startLauncher();
      const args = ['-c', 'echo $$ $PPID; exec sleep 1000'];
      launch({ program: '/bin/sh', args, cwd: '/', env: {} }, { stdout: (chunk) => process.stdout.write(chunk), stderr() {} });`;
    worker = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(worker.stdout!, 'data')) as [Buffer];
    pids = line.toString().trim().split(' ').map(Number);
  });
  afterAll(() => void worker.kill('SIGKILL'));

  it('it ends with what it has started', async () => {
    expect(pids).toHaveLength(2);
    expect(pids.every(isAlive)).toBe(true);
    worker.kill('SIGKILL');
    while (pids.some(isAlive)) await new Promise(setImmediate);
  });
});
