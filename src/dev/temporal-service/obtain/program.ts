import { spawn } from 'node:child_process';
import { findProgram, toSearchPath } from '../../../adapters/programs.ts';
import { withoutLoaders } from '../../../adapters/shell/command-environment.ts';

export type Environment = Record<string, string | undefined>;

export interface ProgramReport {
  /** Null if a signal ended the program. */
  exitCode: number | null;
  /** The last 64 KiB of standard output and error, as they came. */
  output: string;
  timedOut: boolean;
}

export interface ProgramOptions {
  env: Environment;
  timeoutMs: number;
  signal?: AbortSignal;
  cwd?: string;
  /** Given each piece of output as it comes. */
  onOutput?: (text: string) => void;
}

const KEPT_OUTPUT = 64 * 1024;
const GRACE_MS = 2_000;

/** See {@link findProgram}. The folder that the stack is started in is the workspace of its thread. */
export function findOnPath(name: string, env: Environment): string | undefined {
  return findProgram(name, [process.cwd()], env);
}

/**
 * Runs a program to its end, in a separate process group so that all of it can be stopped. At the end of `timeoutMs`
 * or when `signal` fires the group gets SIGTERM and, two seconds later, SIGKILL. Rejects with the reason of `signal`, or
 * with the system's error where the program cannot be started.
 */
export async function runProgram(path: string, args: string[], options: ProgramOptions): Promise<ProgramReport> {
  options.signal?.throwIfAborted();
  const child = spawn(path, args, {
    env: { ...withoutLoaders(options.env), PATH: toSearchPath([process.cwd()], options.env) },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let output = '';
  const collect = (text: string) => {
    output = (output + text).slice(-KEPT_OUTPUT);
    options.onOutput?.(text);
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);

  let timedOut = false;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    signalGroup(child.pid, 'SIGTERM');
    killTimer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), GRACE_MS);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, options.timeoutMs);
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    options.signal?.throwIfAborted();
    return { exitCode, output, timedOut };
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    options.signal?.removeEventListener('abort', stop);
  }
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The whole group is gone already.
  }
}

/** The last `count` lines of a program's output that are not empty. */
export function lastLines(text: string, count: number): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-count).join('\n');
}
