import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Launch {
  /** The program, found on the PATH unless it is a path, and its arguments. */
  argv: string[];
  cwd: string;
  environment: Record<string, string>;
  /** Descriptors that it gets as its own, from 3 on. */
  files?: number[];
}

/** The first process of a command: leader of a session and a process group of its own. */
export interface Leader {
  readonly pid: number;
  /** Resolves once it has ended and been reaped. */
  readonly exited: Promise<void>;
  /** Null before the end, and where a signal ended it. */
  exitCode(): number | null;
}

/** Starts it with nothing to read and `output` for both output streams. Rejects where the system refuses. */
export async function startLeader(launch: Launch, output: number): Promise<Leader> {
  const [program = '', ...args] = launch.argv;
  const child = spawn(program, args, {
    cwd: launch.cwd,
    env: launch.environment,
    stdio: ['ignore', output, output, ...(launch.files ?? [])],
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const pid = child.pid ?? (await refusal(child));
  return { pid, exited, exitCode: () => child.exitCode };
}

async function refusal(child: ChildProcess): Promise<never> {
  const [error] = (await once(child, 'error')) as [Error];
  throw error;
}
