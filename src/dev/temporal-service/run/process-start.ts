import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { promisify } from 'node:util';
import { findOnPath } from '../obtain/program.ts';

/** Field 22 of /proc/<pid>/stat, counted from the state, which follows the name in parentheses. */
const START_TIME_INDEX = 19;

/**
 * A text that names when a process started: together with its pid it is unique, while a pid alone may be given to another
 * process. Undefined where no such process runs (one that has ended and is not yet reaped counts as ended).
 */
export async function processStart(pid: number): Promise<string | undefined> {
  return platform() === 'linux' ? await startFromProc(pid) : await startFromPs(pid);
}

async function startFromProc(pid: number): Promise<string | undefined> {
  try {
    const [stat, bootId] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${bootId.trim()}/${fields[START_TIME_INDEX] ?? ''}`;
  } catch {
    return undefined;
  }
}

async function startFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(findOnPath('ps', process.env) ?? '/bin/ps', [
      '-o',
      'stat=,lstart=',
      '-p',
      String(pid),
    ]);
    const line = stdout.trim();
    return line === '' || line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ') + 1).trim();
  } catch {
    return undefined;
  }
}

/** A process that cannot be mistaken for a later one with the same pid. */
export interface ProcessMark {
  pid: number;
  startedAt: string;
}

export async function markOf(pid: number): Promise<ProcessMark | undefined> {
  const startedAt = await processStart(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

export async function isAlive(mark: ProcessMark): Promise<boolean> {
  return (await processStart(mark.pid)) === mark.startedAt;
}
