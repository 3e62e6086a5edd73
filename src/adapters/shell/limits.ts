/**
 * What one command may use. The kernel holds the size of a file, the time of a processor and, for an ordinary user in a
 * sandbox, the number of processes; a watch in the worker holds the rest by looking at the command's processes.
 */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { readStat } from './process-table.ts';

/** 0 for no limit. */
export interface CommandLimits {
  processes: number;
  /** Of all its processes together. */
  memoryMb: number;
  /** Of one file. */
  fileMb: number;
  /** Seconds of processor time: of one process by the kernel, of all together by the watch. */
  cpuS: number;
  outputMb: number;
  /** The file system of the workspace keeps that much free. */
  freeMb: number;
}

export type LimitName = keyof CommandLimits;

export const NO_LIMITS: CommandLimits = { processes: 0, memoryMb: 0, fileMb: 0, cpuS: 0, outputMb: 0, freeMb: 0 };

const MEGABYTE = 1024 * 1024;
const PAGE_BYTES = 4096;
const TICKS_PER_SECOND = 100;
const LOOK_EVERY_MS = 250;
const SIGXCPU = 24;
const SIGXFSZ = 25;

/** Shell words before a command of bash, on its first line, so that the lines keep their numbers. */
export function toShellLimits(limits: CommandLimits, countsProcesses: boolean): string {
  const words = [
    ...(limits.fileMb > 0 ? [`-f ${limits.fileMb * 1024}`] : []),
    ...(limits.cpuS > 0 ? [`-t ${limits.cpuS}`] : []),
    ...(limits.processes > 0 && countsProcesses ? [`-u ${limits.processes}`] : []),
  ];
  // One by one: a limit that is lower already is kept, and that one alone.
  return words.map((word) => `ulimit ${word} 2>/dev/null; `).join('');
}

/** The limit of the kernel that ended a command, by the way it ended. */
export function toKernelLimit(exitCode: number | null, signal: number | null): LimitName | undefined {
  const by = signal || (exitCode ?? 0) - 128;
  return by === SIGXFSZ ? 'fileMb' : by === SIGXCPU ? 'cpuS' : undefined;
}

export function describeLimit(name: LimitName, limits: CommandLimits): string {
  const value = limits[name];
  const texts: Record<LimitName, string> = {
    processes: `it had more than ${value} processes (BOBBIN_MAX_PROCESSES)`,
    memoryMb: `it used more than ${value} MB of memory (BOBBIN_MAX_MEMORY_MB)`,
    fileMb: `it wrote a file of more than ${value} MB (BOBBIN_MAX_FILE_MB)`,
    cpuS: `it used more than ${value} s of processor time (BOBBIN_MAX_CPU_S)`,
    outputMb: `it wrote more than ${value} MB of output (BOBBIN_MAX_COMMAND_OUTPUT_MB)`,
    freeMb: `less than ${value} MB are free where its workspace is (BOBBIN_MIN_FREE_MB)`,
  };
  return `Ended by Bobbin: ${texts[name]}.`;
}

export interface Watched {
  /** The process that all others of the command descend from. */
  pid: number;
  workspace: string;
  limits: CommandLimits;
  outputBytes: () => number;
  onLimit: (name: LimitName) => void;
}

/** One watch for all commands of a worker: each look goes through the processes of the machine once. */
export interface LimitWatch {
  /** The function returned ends it. */
  add(watched: Watched): () => void;
}

export function createLimitWatch(): LimitWatch {
  const all = new Set<Watched & { freeAtStart: number }>();
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    const children = readChildren();
    for (const watched of all) {
      const name = findExceeded(watched, children);
      if (name === undefined) continue;
      all.delete(watched);
      watched.onLimit(name);
    }
  };
  return {
    add(watched) {
      const entry = { ...watched, freeAtStart: freeMb(watched.workspace) };
      all.add(entry);
      timer ??= setInterval(look, LOOK_EVERY_MS).unref();
      return () => {
        all.delete(entry);
        if (all.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}

function findExceeded(
  { pid, workspace, limits, outputBytes, freeAtStart }: Watched & { freeAtStart: number },
  children: ReadonlyMap<number, readonly number[]>,
): LimitName | undefined {
  const members = descend(pid, children);
  const used: Record<LimitName, number> = {
    processes: members.length,
    memoryMb: sum(members.map(anonymousBytes)) / MEGABYTE,
    fileMb: 0,
    cpuS: sum(members.map(processorTicks)) / TICKS_PER_SECOND,
    outputMb: outputBytes() / MEGABYTE,
    freeMb: 0,
  };
  for (const name of ['processes', 'memoryMb', 'cpuS', 'outputMb'] as const) {
    if (limits[name] > 0 && used[name] > limits[name]) return name;
  }
  const isFull = freeAtStart > limits.freeMb && freeMb(workspace) < limits.freeMb;
  return limits.freeMb > 0 && isFull ? 'freeMb' : undefined;
}

/** By parent; empty without /proc, which leaves the limits to the kernel. */
function readChildren(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const name of listProcesses()) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? readStat(pid)?.parent : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [pid]);
    else siblings.push(pid);
  }
  return children;
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

function descend(pid: number, children: ReadonlyMap<number, readonly number[]>): number[] {
  const members = [pid];
  for (const member of members) members.push(...(children.get(member) ?? []));
  return members;
}

/** Without what is shared with files, so that a program counts once however many processes run it. */
function anonymousBytes(pid: number): number {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ').map(Number);
    return (resident - shared) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

function processorTicks(pid: number): number {
  return readStat(pid)?.ticks ?? 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function freeMb(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return (bavail * bsize) / MEGABYTE;
  } catch {
    return 0;
  }
}
