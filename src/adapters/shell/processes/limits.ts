/**
 * The limits of one command. The kernel limits the size of a file, processor time and, for an ordinary user in a
 * sandbox, the number of processes; a watch in the worker limits the rest by checking the command's processes.
 */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { type ProcessStat, readStat } from './process-table.ts';

/** 0 for no limit. */
export interface CommandLimits {
  /** And threads, as the kernel counts them for an ordinary user. */
  processes: number;
  /** Of all its processes together. */
  memoryMb: number;
  /** Of one file. */
  fileMb: number;
  /** Seconds of processor time: of one process by the kernel, of all together by the watch. */
  cpuS: number;
  outputMb: number;
  /** The file systems that it can fill keep this much free, or half of the initial free space if that was less. */
  freeMb: number;
  /** Seconds without a worker that waits for it; for commands that outlive their worker. */
  unattendedS: number;
}

export type LimitName = keyof CommandLimits;

export const NO_LIMITS: CommandLimits = {
  processes: 0,
  memoryMb: 0,
  fileMb: 0,
  cpuS: 0,
  outputMb: 0,
  freeMb: 0,
  unattendedS: 0,
};

const MEGABYTE = 1024 * 1024;
const KILOBYTES = 1024;
const TICKS_PER_SECOND = 100;
const LOOK_EVERY_MS = 250;
const SIGXCPU = 24;
const SIGXFSZ = 25;

/** The reason of a signal that stops a command because of a limit that others watch. */
export class OverLimit extends Error {
  readonly limit: LimitName;

  constructor(limit: LimitName) {
    super(`over the limit ${limit}`);
    this.limit = limit;
  }
}

/** Shell words before a command of bash, on its first line, so that the lines keep their numbers. */
export function toShellLimits(limits: CommandLimits, countsProcesses: boolean): string {
  const words = [
    ...(limits.fileMb > 0 ? [`-f ${limits.fileMb * 1024}`] : []),
    ...(limits.cpuS > 0 ? [`-t ${limits.cpuS}`] : []),
    ...(limits.processes > 0 && countsProcesses ? [`-u ${limits.processes}`] : []),
  ];
  // Separately: a limit that is already lower is kept, and does not affect the others.
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
    processes: `it had more than ${value} processes and threads (BOBBIN_MAX_PROCESSES)`,
    memoryMb: `it used more than ${value} MB of memory (BOBBIN_MAX_MEMORY_MB), or the machine had hardly any left`,
    fileMb: `it wrote a file of more than ${value} MB (BOBBIN_MAX_FILE_MB)`,
    cpuS: `it used more than ${value} s of processor time (BOBBIN_MAX_CPU_S)`,
    outputMb: `it wrote more than ${value} MB of output (BOBBIN_MAX_COMMAND_OUTPUT_MB)`,
    freeMb: `hardly any room is left for files where it writes (BOBBIN_MIN_FREE_MB, here ${value})`,
    unattendedS: `no worker has waited for it for ${value} s (BOBBIN_MAX_UNATTENDED_S)`,
  };
  return `Ended by Bobbin: ${texts[name]}.`;
}

export interface Watched {
  /** The process that all others of the command descend from. */
  pid: number;
  /** On the file systems that it can fill. */
  folders: readonly string[];
  limits: CommandLimits;
  outputBytes: () => number;
  onLimit: (name: LimitName) => void;
}

/** One watch for all commands of a worker: each check reads the processes of the machine once. */
export interface LimitWatch {
  /** The function returned ends it. */
  add(watched: Watched): () => void;
}

/** The watch's queries to the machine. */
export interface Machine {
  /**
   * Whether so little memory is left that the kernel may soon end any process. Not all kernel memory of a command can
   * be counted, so then the largest command is ended; one for each check.
   */
  isMemoryShort(): boolean;
  roomAt(folder: string): Room;
}

export function createLimitWatch(machine: Machine = { isMemoryShort, roomAt }): LimitWatch {
  const all = new Set<WatchedRoom>();
  let timer: NodeJS.Timeout | undefined;
  const end = (watched: WatchedRoom, name: LimitName): void => {
    all.delete(watched);
    watched.onLimit(name);
  };
  const look = (): void => {
    const processes = readProcesses();
    for (const watched of all) {
      const name = findExceeded(watched, processes, machine);
      if (name !== undefined) end(watched, name);
    }
    const limited = [...all].filter(({ limits }) => limits.memoryMb > 0);
    if (limited.length === 0 || !machine.isMemoryShort()) return;
    const sizes = limited.map((watched) => ({ watched, mb: memoryMb(descend(watched.pid, processes), Infinity) }));
    end(sizes.reduce((a, b) => (b.mb > a.mb ? b : a)).watched, 'memoryMb');
  };
  return {
    add(watched) {
      const entry = {
        ...watched,
        rooms: watched.limits.freeMb > 0 ? watched.folders.map((folder) => machine.roomAt(folder)) : [],
      };
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

/** A file system, with what was free on it when the command began. */
export interface Room {
  folder: string;
  freeMb: number;
  /** File systems that make inodes on demand have none to count, and report 0. */
  inodes: number;
}

type WatchedRoom = Watched & { rooms: Room[] };

/** Free inodes to keep in any case, unless there were fewer. */
const KEPT_INODES = 20_000;

function isFull(start: Room, now: Room, keptMb: number): boolean {
  if (now.freeMb < Math.min(keptMb, start.freeMb / 2)) return true;
  return now.inodes < Math.min(KEPT_INODES, start.inodes / 2);
}

function roomAt(folder: string): Room {
  try {
    const { bavail, bsize, ffree } = statfsSync(folder);
    return { folder, freeMb: (bavail * bsize) / MEGABYTE, inodes: ffree };
  } catch {
    return { folder, freeMb: 0, inodes: 0 };
  }
}

function findExceeded(
  { pid, rooms, limits, outputBytes }: WatchedRoom,
  processes: Processes,
  machine: Machine,
): LimitName | undefined {
  const members = descend(pid, processes);
  const stats = members.flatMap((member) => processes.stats.get(member) ?? []);
  const used: Record<LimitName, number> = {
    processes: sum(stats.map(({ threads }) => threads)),
    memoryMb: limits.memoryMb > 0 ? memoryMb(members, limits.memoryMb) : 0,
    fileMb: 0,
    cpuS: sum(stats.map(({ ticks }) => ticks)) / TICKS_PER_SECOND,
    outputMb: outputBytes() / MEGABYTE,
    freeMb: 0,
    unattendedS: 0,
  };
  for (const name of ['processes', 'memoryMb', 'cpuS', 'outputMb'] as const) {
    if (limits[name] > 0 && used[name] > limits[name]) return name;
  }
  return rooms.some((room) => isFull(room, machine.roomAt(room.folder), limits.freeMb)) ? 'freeMb' : undefined;
}

/** The processes of the machine at one moment; none without /proc, which leaves the limits to the kernel. */
interface Processes {
  stats: ReadonlyMap<number, ProcessStat>;
  /** By parent. */
  children: ReadonlyMap<number, readonly number[]>;
}

function readProcesses(): Processes {
  const stats = new Map<number, ProcessStat>();
  const children = new Map<number, number[]>();
  for (const name of listProcesses()) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    if (stat === undefined) continue;
    stats.set(pid, stat);
    const siblings = children.get(stat.parent);
    if (siblings === undefined) children.set(stat.parent, [pid]);
    else siblings.push(pid);
  }
  return { stats, children };
}

function listProcesses(): string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

const LEAST_AVAILABLE_MB = 256;

function isMemoryShort(): boolean {
  const available = readKilobytes('/proc/meminfo', /^MemAvailable:\s*(\d+) kB$/gm);
  return available > 0 && available / KILOBYTES < LEAST_AVAILABLE_MB;
}

function descend(pid: number, { children }: Processes): number[] {
  const members = [pid];
  for (const member of members) members.push(...(children.get(member) ?? []));
  return members;
}

/**
 * Without memory that is shared with files, so that a program counts once however many processes run it. Memory that
 * processes share with each other counts once, too; the kernel needs long to report it, so it is queried only if the
 * limit may be exceeded.
 */
function memoryMb(members: readonly number[], limit: number): number {
  const most = sum(members.map((pid) => readKilobytes(`/proc/${pid}/status`, RESIDENT))) / KILOBYTES;
  if (most <= limit) return most;
  return sum(members.map((pid) => readKilobytes(`/proc/${pid}/smaps_rollup`, SHARE))) / KILOBYTES;
}

const RESIDENT = /^(?:RssAnon|RssShmem):\s*(\d+) kB$/gm;
const SHARE = /^(?:Pss_Anon|Pss_Shmem):\s*(\d+) kB$/gm;

/** The sum of these lines; 0 for a process that has ended. */
function readKilobytes(file: string, lines: RegExp): number {
  try {
    return sum([...readFileSync(file, 'latin1').matchAll(lines)].map(([, count]) => Number(count)));
  } catch {
    return 0;
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
