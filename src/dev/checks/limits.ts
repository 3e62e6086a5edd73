/** Checks which limits of commands are enforced here, and whether the kernel or the worker enforces them. */
import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findOnPath, runProgram } from '../temporal-service/obtain/program.ts';
import type { CheckContext, Finding, Probe } from './check.ts';
import { SMALLEST_SANDBOX } from './sandbox.ts';

/** Bash retries for 15 s if it cannot make a process, so no answer within this time means that the limit holds. */
const FORK_MS = 1_500;
/** Long enough for one second of processor time on a busy machine. */
const BUSY_MS = 4_000;

export const limitsProbe: Probe = {
  name: 'limits',
  need: 'bash and /proc, to end commands that use too much',
  look: async (context) => {
    const [size, time, processes, watch, cgroup] = await Promise.all([
      holdsFileSize(context),
      holdsProcessorTime(context),
      holdsProcesses(context),
      canRead('/proc/self/statm'),
      findCgroup(),
    ]);
    return toFinding({ size, time, processes, watch, cgroup, isRoot: process.getuid?.() === 0 });
  },
};

export interface LimitsFound {
  /** Limits that the kernel was seen to enforce. */
  size: boolean;
  time: boolean;
  processes: boolean;
  /** Whether the usage of other processes can be read. */
  watch: boolean;
  /** Description of a cgroup that could enforce more. */
  cgroup: string;
  isRoot: boolean;
}

export function toFinding({ size, time, processes, watch, cgroup, isRoot }: LimitsFound): Finding {
  const byKernel = [size && 'size of a file', time && 'processor time of a process', processes && 'processes'];
  const byWatch = [!processes && 'processes', 'memory', 'total processor time'];
  const held = (names: (string | false)[], by: string) => `${names.filter(Boolean).join(', ') || 'nothing'} by ${by}`;
  const parts = [
    `as ${isRoot ? 'root' : 'an ordinary user'}: ${held(byKernel, 'the kernel')}`,
    ...(watch ? [held(byWatch, 'a check every 250 ms')] : []),
    'output and free space by the worker',
    cgroup,
  ];
  const missing = [!size && 'size of a file', !time && 'processor time of a process', ...(watch ? [] : byWatch)];
  const found = parts.join('; ');
  if (missing.every((name) => name === false)) return { status: 'ok', found };
  const howTo = `Not enforced: ${missing.filter(Boolean).join(', ')}. Install bash, and give the worker a /proc that shows its processes.`;
  return { status: 'warning', found, howTo };
}

async function holdsFileSize(context: CheckContext): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'bobbin-limits-'));
  try {
    const script = `(ulimit -f 1 || exit; head -c 8192 /dev/zero > '${join(folder, 'file')}') 2>/dev/null; echo "ended $?"`;
    return /^ended (153|25)$/m.test(await runBash(context, [], script, BUSY_MS));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function holdsProcessorTime(context: CheckContext): Promise<boolean> {
  const script = '(ulimit -t 1 || exit; while :; do :; done) 2>/dev/null; echo "ended $?"';
  return /^ended (152|137)$/m.test(await runBash(context, [], script, BUSY_MS));
}

/** In a sandbox, because the limit is only set there: outside, it would count all processes of the user. */
async function holdsProcesses(context: CheckContext): Promise<boolean> {
  const bubblewrap = findOnPath('bwrap', context.env);
  if (bubblewrap === undefined) return false;
  const script = (limit: string) => `echo begun; ${limit}; (:); echo forked`;
  const run = (limit: string) => runBash(context, [bubblewrap, ...SMALLEST_SANDBOX], script(limit), FORK_MS);
  const [without, within] = await Promise.all([run(':'), run('ulimit -u 1')]);
  return without.includes('forked') && within.includes('begun') && !within.includes('forked');
}

async function runBash({ env, signal }: CheckContext, before: string[], script: string, timeoutMs: number) {
  const bash = findOnPath('bash', env);
  if (bash === undefined) return '';
  const words = [...before, bash, '-c', script];
  return (await runProgram(words[0] ?? bash, words.slice(1), { env, signal, timeoutMs })).output;
}

async function canRead(path: string): Promise<boolean> {
  return readFile(path, 'utf8').then(
    (text) => text !== '',
    () => false,
  );
}

/** For information only: see docs/sandbox.md. */
async function findCgroup(): Promise<string> {
  if (platform() !== 'linux') return 'no cgroups';
  try {
    const own = /^0::(\S*)$/m.exec(await readFile('/proc/self/cgroup', 'utf8'))?.[1] ?? '';
    const mounts = await readFile('/proc/self/mountinfo', 'utf8');
    const mounted = /^(?:\S+ ){3}\S+ (\S+) .* - cgroup2 /m.exec(mounts)?.[1] ?? '/sys/fs/cgroup';
    const folder = join(mounted, own);
    const controllers = (await readFile(join(folder, 'cgroup.controllers'), 'utf8')).trim().split(/\s+/);
    const lacks = ['memory', 'pids'].filter((name) => !controllers.includes(name));
    if (lacks.length > 0) return `cgroup v2 without ${lacks.join(' and ')}`;
    await access(join(folder, 'cgroup.procs'), constants.W_OK);
    await access(folder, constants.W_OK);
    return 'a cgroup v2 that this user may divide (not used)';
  } catch {
    return 'no cgroup v2 that this user may divide';
  }
}
