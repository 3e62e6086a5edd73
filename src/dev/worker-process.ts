/** Runs a worker as a child process, and restarts it when it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createBackoff } from '../client/backoff.ts';
import { programFile } from '../folders/program-files.ts';

export interface WorkerProcessOptions {
  env: NodeJS.ProcessEnv;
  /** File for standard output and standard error. */
  logFile: string;
  onProgress: (line: string) => void;
  signal: AbortSignal;
}

export interface WorkerProcess {
  /** Id of the current process. */
  readonly pid: number;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const RESTART_MS = { first: 250, most: 10_000 };
/** Longer than the grace time that a worker gives its running steps. */
const STOP_TIMEOUT_MS = 30_000;

/** Resolves when the worker serves its task queue. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  let stopping = false;
  const pauses = createBackoff(RESTART_MS);
  let child = await launch(options);

  const watch = (watched: ChildProcess): void => {
    watched.once('exit', (code, signal) => {
      if (stopping) return;
      options.onProgress(
        `The worker ended (${signal ?? `exit code ${code ?? 0}`}); restarting it. Log: ${options.logFile}`,
      );
      setTimeout(() => void restart(), pauses.next()).unref();
    });
  };
  const restart = async (): Promise<void> => {
    if (stopping) return;
    try {
      child = await launch(options);
      pauses.reset();
      watch(child);
    } catch (error) {
      options.onProgress(
        `The worker could not be restarted: ${error instanceof Error ? error.message : String(error)}`,
      );
      setTimeout(() => void restart(), pauses.next()).unref();
    }
  };
  watch(child);

  return {
    get pid() {
      return child.pid ?? -1;
    },
    async stop() {
      stopping = true;
      await endChild(child);
    },
  };
}

/** The child has its own process group, so that the terminal's Ctrl-C reaches only the parent, which then stops it. */
async function launch({ env, logFile, signal }: WorkerProcessOptions): Promise<ChildProcess> {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [programFile('worker')], {
    env,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  try {
    await ready(child, logFile, signal);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}

function ready(child: ChildProcess, logFile: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      done(() => reject(new Error(`The worker did not start: ${why}. The end of ${logFile}:\n${tail(logFile)}`)));
    const timer = setTimeout(() => fail(`no sign of it within ${READY_TIMEOUT_MS / 1000} s`), READY_TIMEOUT_MS);
    const onExit = (code: number | null) => fail(`it ended with exit code ${code ?? 'none'}`);
    const onError = (error: Error) => fail(error.message);
    const onAbort = () => done(() => reject(signal.reason as Error));
    const done = (settle: () => void) => {
      clearTimeout(timer);
      child.off('exit', onExit).off('error', onError);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    child.once('message', () => done(resolve));
    child.once('exit', onExit).once('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
  });
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
