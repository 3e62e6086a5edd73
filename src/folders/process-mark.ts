/** Processes, distinguished from later ones with the same id. */
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, platform } from 'node:os';
import { promisify } from 'node:util';
import { findProgram } from '../adapters/programs.ts';
import { readStartTime } from '../adapters/shell/processes/process-table.ts';

/**
 * Identifies the start of a process. With its pid it is unique, while a pid alone can be reused. Undefined if no such
 * process is running (a zombie counts as ended).
 */
export async function processStart(pid: number): Promise<string | undefined> {
  return platform() === 'linux' ? await startFromProc(pid) : await startFromPs(pid);
}

/**
 * Where a mark can be compared with the running processes: this machine since its start, in this namespace of process
 * ids.
 */
export function placeOfProcesses(): string {
  if (platform() !== 'linux') return hostname();
  try {
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${bootId}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

/** @param a, b of {@link placeOfProcesses} */
export function isSameMachine(a: string, b: string): boolean {
  return a.split('/')[0] === b.split('/')[0];
}

async function startFromProc(pid: number): Promise<string | undefined> {
  const startTime = readStartTime(pid);
  if (startTime === undefined) return undefined;
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return bootId === '' ? undefined : `${bootId.trim()}/${startTime}`;
}

async function startFromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(findProgram('ps', [process.cwd()]) ?? '/bin/ps', [
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
