import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { STATUS_FD } from './reaper.ts';

export interface Launch {
  /** Absolute path of the program, and its arguments. */
  argv: string[];
  cwd: string;
  environment: Record<string, string>;
  /** Descriptors that it gets as its own, from 3 on; null for none. */
  files: (number | null)[];
  /** The program is a reaper: it says on descriptor 3 how the command ended, and outlives all that the command started. */
  isReaper: boolean;
}

/** The first process of a command: leader of a session and a process group of its own. */
export interface Leader {
  readonly pid: number;
  /** Resolves once the command has ended; what it started may be left. */
  readonly ended: Promise<void>;
  /** Resolves once the process has ended and been reaped. */
  readonly exited: Promise<void>;
  /** Null before the end, and if a signal ended the command. */
  exitCode(): number | null;
  /** Number of the signal that ended the command, as far as it is known. */
  signal(): number | null;
  /** True once the process has ended by itself after all that the command started. Of a reaper only. */
  sawTheEnd(): boolean;
}

/** Its end of the pipe is closed by then, unless the command took it over. */
const LAST_STATUS_MS = 500;

/** Starts it with nothing to read and `output` for both output streams. Rejects if the system refuses. */
export async function startLeader(launch: Launch, output: number): Promise<Leader> {
  const [program = '', ...args] = launch.argv;
  const more = launch.files.map((file) => file ?? 'ignore');
  const child = spawn(program, args, {
    cwd: launch.cwd,
    env: launch.environment,
    stdio: ['ignore', output, output, ...(launch.isReaper ? ['pipe' as const, ...more.slice(1)] : more)],
    detached: true,
  });
  let status: number | undefined;
  const reported = launch.isReaper
    ? readStatus(child.stdio[STATUS_FD] as Readable | null).then((value) => (status = value))
    : undefined;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(async () => {
    // What it wrote last is read after its end is known.
    if (reported !== undefined) await Promise.race([reported, delay(LAST_STATUS_MS, undefined, { ref: false })]);
  });
  const pid = child.pid ?? (await refusal(child));
  return {
    pid,
    ended: reported === undefined ? exited : Promise.race([exited, reported]).then(() => undefined),
    exited,
    exitCode: () => {
      if (!launch.isReaper) return child.exitCode;
      return status === undefined || signalOf(status) !== 0 ? null : status >> 8;
    },
    signal: () => (status === undefined ? null : signalOf(status)),
    sawTheEnd: () => launch.isReaper && status !== undefined && child.exitCode === 0,
  };
}

function signalOf(status: number): number {
  return status & 0x7f;
}

/** Undefined if it ended without a word. */
async function readStatus(stream: Readable | null): Promise<number | undefined> {
  if (stream === null) return undefined;
  let text = '';
  try {
    for await (const chunk of stream) text += String(chunk);
  } catch {
    return undefined;
  }
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

async function refusal(child: ChildProcess): Promise<never> {
  const [error] = (await once(child, 'error')) as [Error];
  throw error;
}
