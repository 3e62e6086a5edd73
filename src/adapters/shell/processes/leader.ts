import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { STATUS_FD } from './reaper.ts';

/** Where bubblewrap writes what it does, in JSON. */
export const SANDBOX_STATUS_FD = 5;

export interface Launch {
  /** Absolute path of the program, and its arguments. */
  argv: string[];
  cwd: string;
  environment: Record<string, string>;
  /** Descriptors that it gets as its own, from 3 on; null for none, and for the one that it reports on. */
  files: (number | null)[];
  /**
   * The type of the program. A reaper reports on descriptor 3 how the command ended, and outlives all that the command
   * started. A sandbox reports on descriptor 5 when the command has ended.
   */
  kind: 'shell' | 'reaper' | 'sandbox';
}

/** The first process of a command: leader of a new session and process group. */
export interface Leader {
  readonly pid: number;
  /** Resolves once the command has ended; its descendants may still run. */
  readonly ended: Promise<void>;
  /** Resolves once the process has ended and been reaped. */
  readonly exited: Promise<void>;
  /** Null before the end, and if a signal ended the command. */
  exitCode(): number | null;
  /** Number of the signal that ended the command, if known. */
  signal(): number | null;
  /** For a reaper only: true once the process has ended on its own, after all that the command started. */
  sawTheEnd(): boolean;
  /** The first process in a sandbox; undefined before it is known, and without a sandbox. */
  sandboxPid(): number | undefined;
  /** True once a sandbox has ended on its own before it started the command. */
  refused(): boolean;
}

/** Its end of the pipe is closed by then, unless the command took it over. */
const LAST_STATUS_MS = 500;

/** Starts it with `output` for both output streams, and without `input` with nothing to read. Rejects if the system refuses. */
export async function startLeader(
  { argv, cwd, environment, files, kind }: Launch,
  output: number,
  input?: number,
): Promise<Leader> {
  const [program = '', ...args] = argv;
  const statusFd = kind === 'reaper' ? STATUS_FD : kind === 'sandbox' ? SANDBOX_STATUS_FD : undefined;
  const more = files.map((file, index) => (index + 3 === statusFd ? ('pipe' as const) : (file ?? ('ignore' as const))));
  const child = spawn(program, args, {
    cwd,
    env: environment,
    stdio: [input ?? 'ignore', output, output, ...more],
    detached: true,
  });
  let said: string | undefined;
  const stream =
    statusFd === undefined ? undefined : (child.stdio as readonly (typeof child.stdio)[number][])[statusFd];
  let soFar = '';
  const reported =
    stream == null ? undefined : readStatus(stream as Readable, (text) => (soFar = text)).then((text) => (said = text));
  const status = (): number | undefined => (kind === 'reaper' && /^\d+\n$/.test(said ?? '') ? Number(said) : undefined);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(async () => {
    // Its last report is read after its end is known.
    if (reported !== undefined) await Promise.race([reported, delay(LAST_STATUS_MS, undefined, { ref: false })]);
  });
  const pid = child.pid ?? (await refusal(child));
  return {
    pid,
    ended: kind === 'reaper' ? Promise.race([exited, reported]).then(() => undefined) : exited,
    exited,
    exitCode: () => {
      if (kind !== 'reaper') return child.exitCode;
      const value = status();
      return value === undefined || signalOf(value) !== 0 ? null : value >> 8;
    },
    signal: () => {
      const value = status();
      return value === undefined ? null : signalOf(value);
    },
    sawTheEnd: () => status() !== undefined && child.exitCode === 0,
    sandboxPid: () => {
      const [, found] = (kind === 'sandbox' && /"child-pid":\s*(\d+)/.exec(soFar)) || [];
      return found === undefined ? undefined : Number(found);
    },
    refused: () => kind === 'sandbox' && said?.includes('"exit-code"') === false && (child.exitCode ?? 0) !== 0,
  };
}

function signalOf(status: number): number {
  return status & 0x7f;
}

/** All of it; undefined if it cannot be read to its end. */
async function readStatus(stream: Readable, onText: (soFar: string) => void): Promise<string | undefined> {
  let text = '';
  try {
    for await (const chunk of stream) {
      text += String(chunk);
      onText(text);
    }
    return text;
  } catch {
    return undefined;
  }
}

async function refusal(child: ChildProcess): Promise<never> {
  const [error] = (await once(child, 'error')) as [Error];
  throw error;
}
