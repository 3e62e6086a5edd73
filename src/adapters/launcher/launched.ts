/** A program that was started by this process, or by its launcher. */
import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';

export interface Launch {
  /** Absolute path. */
  program: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** Written to standard input. */
  input?: string | Uint8Array;
}

export interface Outputs {
  stdout: (chunk: Buffer) => void;
  stderr: (chunk: Buffer) => void;
}

export interface Launched {
  /** Undefined before it runs, and if it did not start. Leads a process group, so that helpers end with it. */
  readonly pid: number | undefined;
  /** Resolves when it is gone and its output has been read. `problem` if it did not start, or nobody can know its end. */
  readonly ended: Promise<Ended>;
}

export interface Ended {
  code: number | null;
  problem?: string;
}

/** @param onInput called with standard input, which stays open, in place of `input` */
export function launchHere(launch: Launch, outputs: Outputs, onInput?: (stdin: Writable) => void): Launched {
  const { program, args, cwd, env, input } = launch;
  const isPiped = input !== undefined || onInput !== undefined;
  const stdin = isPiped ? 'pipe' : 'ignore';
  const child = spawn(program, args, { cwd, env, stdio: [stdin, 'pipe', 'pipe'], detached: true });
  child.stdout?.on('data', outputs.stdout);
  child.stderr?.on('data', outputs.stderr);
  if (child.stdin !== null) {
    // It may end before it has read everything; its exit code has the reason.
    child.stdin.on('error', () => undefined);
    if (onInput === undefined) child.stdin.end(input);
    else onInput(child.stdin);
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('error', ({ message }) => resolve({ code: null, problem: message }));
    child.once('close', (code) => resolve({ code }));
  });
  return { pid: child.pid, ended };
}

export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}
