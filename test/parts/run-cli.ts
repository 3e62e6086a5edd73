/** The `bobbin` command as a process. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { CLI } from './programs.ts';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcessWithoutNullStreams;
  /** What it has printed so far. */
  said: Ran;
  ended: Promise<Ran>;
}

interface RunOptions {
  cwd?: string;
  /** On top of that of the tests. */
  env: Record<string, string>;
  input?: string;
}

export function startCli(args: readonly string[], { cwd, env, input = '' }: RunOptions): Running {
  const child = spawn('node', [CLI, ...args], { cwd, env: { ...process.env, ...env } });
  const said: Ran = { code: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text));
  child.stdin.end(input);
  const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ ...said, code })));
  return { child, said, ended };
}

/** Runs it to its end. */
export function runCli(args: readonly string[], options: RunOptions): Promise<Ran> {
  return startCli(args, options).ended;
}
