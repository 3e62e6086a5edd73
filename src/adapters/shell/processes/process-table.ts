/**
 * Finds the processes of a command again, even if they try to hide.
 *
 * Every process a command starts inherits `BOBBIN_COMMAND_ID` in its environment. A process that left the group
 * (setsid, double fork) still carries it, and one that wiped its environment is found by its group, its session or its
 * parent. Only a process that did all of this on purpose escapes; the sandbox's own process namespace catches it.
 */
import { existsSync, readdirSync, readFileSync, openSync, readSync, closeSync } from 'node:fs';
import { setImmediate as nextTurnOfTheLoop } from 'node:timers/promises';
import { isNamed } from './named-commands.ts';

/** Environment variable by which every process of a command is found. */
export const COMMAND_MARKER = 'BOBBIN_COMMAND_ID';
/** In the environment of a process that waits for all others of its command, and of no other one. */
export const REAPER_MARKER = 'BOBBIN_COMMAND_REAPER';

export interface ProcessQuery {
  /** Processes that carry one of these ids count; see `named-commands.ts`. */
  commandIds: ReadonlySet<string>;
  /** Processes of this group or session count too. */
  group?: number;
  /** Scans only process ids from this one on: a cheap scan for later processes. */
  from?: number;
}

export interface ProcessTable {
  /** Ids of the living processes that match, their descendants included. Zombies and this process do not count. */
  find(query: ProcessQuery): Promise<number[]>;
}

interface ProcessRow {
  pid: number;
  parent: number;
  group: number;
  session: number;
  commandId: string | undefined;
}

const KERNEL_THREADS = 2;
/** A scan yields to the event loop after this many milliseconds, so that heartbeats go out on any machine. */
const SLICE_MS = 4;

/** The table of this machine: /proc if available, otherwise only the process group. */
export function createProcessTable(): ProcessTable {
  return existsSync('/proc/self/stat') ? { find: findOnProc } : createGroupTable();
}

/** For platforms without /proc: finds only the group, so a process that left its group is not seen. */
export function createGroupTable(): ProcessTable {
  return {
    find: (query) => Promise.resolve(query.group !== undefined && groupIsAlive(query.group) ? [query.group] : []),
  };
}

function groupIsAlive(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

async function findOnProc(query: ProcessQuery): Promise<number[]> {
  const rows: ProcessRow[] = [];
  let sliceStart = performance.now();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || pid < (query.from ?? 0)) continue;
    const row = readRow(pid);
    if (row !== undefined) rows.push(row);
    if (performance.now() - sliceStart > SLICE_MS) {
      await nextTurnOfTheLoop();
      sliceStart = performance.now();
    }
  }
  return selectMembers(rows, query);
}

function selectMembers(rows: ProcessRow[], query: ProcessQuery): number[] {
  const members = new Set<number>();
  for (const row of rows) {
    const marked = row.commandId !== undefined && isNamed(query.commandIds, row.commandId);
    const grouped = query.group !== undefined && (row.group === query.group || row.session === query.group);
    if (marked || grouped) members.add(row.pid);
  }
  for (let grown = members.size > 0; grown;) {
    grown = false;
    for (const row of rows) {
      if (members.has(row.pid) || !members.has(row.parent)) continue;
      members.add(row.pid);
      grown = true;
    }
  }
  return [...members];
}

/** Undefined if the process is gone, a zombie, or a thread of the kernel. */
function readRow(pid: number): ProcessRow | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
  if (pid === KERNEL_THREADS || stat.parent === KERNEL_THREADS) return undefined;
  return { pid, parent: stat.parent, group: stat.group, session: stat.session, commandId: readCommandId(pid) };
}

export interface ProcessStat {
  state: string;
  parent: number;
  group: number;
  session: number;
  /** Processor time of its own and of children it has waited for. */
  ticks: number;
  threads: number;
  /** Clock ticks since boot; with the process id it identifies a process until the next boot. */
  startTime: number;
}

export function readStat(pid: number): ProcessStat | undefined {
  const text = readProcFile(`/proc/${String(pid)}/stat`)?.toString('latin1');
  if (text === undefined) return undefined;
  // The program's name is in parentheses and may contain any byte, so fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group, session] = fields;
  return {
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0),
    threads: Number(fields[17]),
    startTime: Number(fields[19]),
  };
}

const MARKER_BYTES = Buffer.from(`${COMMAND_MARKER}=`);
const REAPER_BYTES = Buffer.from(`${REAPER_MARKER}=`);

function readCommandId(pid: number): string | undefined {
  return readVariable(pid, MARKER_BYTES);
}

/** Whether a process claims to end after all others of its command. Any process may claim it. */
export function saysItReaps(pid: number): boolean {
  return readVariable(pid, REAPER_BYTES) !== undefined;
}

function readVariable(pid: number, start: Buffer): string | undefined {
  const environment = readProcFile(`/proc/${String(pid)}/environ`);
  if (environment === undefined) return undefined;
  let at = environment.indexOf(start);
  while (at > 0 && environment[at - 1] !== 0) at = environment.indexOf(start, at + 1);
  if (at === -1) return undefined;
  const end = environment.indexOf(0, at);
  return environment.toString('utf8', at + start.length, end === -1 ? environment.length : end);
}

let scratch = Buffer.allocUnsafe(64 * 1024);

/** The bytes are valid until the next call. Undefined if the file cannot be read, mostly because its process ended. */
function readProcFile(path: string): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    let length = 0;
    for (;;) {
      if (length === scratch.length) scratch = Buffer.concat([scratch, Buffer.allocUnsafe(scratch.length)]);
      const count = readSync(fd, scratch, length, scratch.length - length, null);
      if (count === 0) return scratch.subarray(0, length);
      length += count;
    }
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Field 22 of /proc/<pid>/stat; undefined if there is no such process, a zombie included, or no /proc. */
export function readStartTime(pid: number): number | undefined {
  const stat = readStat(pid);
  return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTime;
}

/** The newest process id; undefined without /proc. Smaller than an older id once the numbers have wrapped. */
export function readLastPid(): number | undefined {
  try {
    return Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
  } catch {
    return undefined;
  }
}
