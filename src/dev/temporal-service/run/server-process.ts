import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Environment } from '../obtain/program.ts';
import { isAlive } from '../../../folders/process-mark.ts';
import type { ProcessMark } from '../../../folders/process-mark.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServiceExit {
  /** Null if a signal ended it. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

export interface ServerProcess {
  pid: number;
  /** Resolves when the process has ended. Never rejects. */
  exited: Promise<ServiceExit>;
}

const STOP_GRACE_MS = 10_000;
const LOOK_EVERY_MS = 25;

/**
 * Starts the server in a separate process group, so that Ctrl-C in a terminal does not reach it, with its output in
 * `logFile`, so that it can still write when this process is gone. Rejects if the program cannot be started.
 */
export async function spawnServer(
  path: string,
  args: string[],
  options: { env?: Environment; dataDirectory: string; logFile: string },
): Promise<ServerProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = withPrivateUmask(() =>
      spawn(path, args, {
        env: environmentOf(options.env ?? process.env),
        cwd: options.dataDirectory,
        detached: true,
        stdio: ['ignore', log, log],
      }),
    );
  } finally {
    closeSync(log);
  }
  const exited = new Promise<ServiceExit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const { pid } = child;
  if (pid !== undefined) return { pid, exited };
  return await new Promise((_resolve, reject) => child.once('error', reject));
}

/** The server inherits it when it is spawned, because its database contains every conversation. */
function withPrivateUmask<T>(work: () => T): T {
  const before = process.umask(0o077);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/** Only what the server needs: no model keys, no settings of another Temporal service. */
const PASSED_ON = ['HOME', 'PATH', 'TMPDIR', 'TZ', 'LANG', 'USER'];

function environmentOf(env: Environment): Environment {
  return Object.fromEntries(PASSED_ON.map((name) => [name, env[name]]));
}

/** Sends SIGTERM and, ten seconds later, SIGKILL to that process. Resolves when it is gone. */
export async function endProcess(mark: ProcessMark): Promise<void> {
  if (!(await isAlive(mark))) return;
  send(mark.pid, 'SIGTERM');
  const until = Date.now() + STOP_GRACE_MS;
  while (await isAlive(mark)) {
    if (Date.now() > until) send(mark.pid, 'SIGKILL');
    await sleep(LOOK_EVERY_MS);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended in the meantime.
  }
}
