/** Runs a worker as a child process, and restarts it when it dies. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { programFile } from '../folders/program-files.ts';
import { type RunningProcess, keepRunning } from './keep-running.ts';

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
/** Longer than the grace time that a worker gives its running steps. */
const STOP_TIMEOUT_MS = 30_000;

/** Resolves when the worker serves its task queue. */
export async function startWorkerProcess(options: WorkerProcessOptions): Promise<WorkerProcess> {
  const { logFile, onProgress } = options;
  const kept = await keepRunning({
    what: 'the worker',
    start: (signal) => launch({ ...options, signal: AbortSignal.any([signal, options.signal]) }),
    onProgress: (line) => onProgress(`${line} Log: ${logFile}`),
  });
  return {
    get pid() {
      return kept.current().pid;
    },
    stop: () => kept.stop(),
  };
}

/** The child has its own process group, so that the terminal's Ctrl-C reaches only the parent, which then stops it. */
async function launch({
  env,
  logFile,
  signal,
}: WorkerProcessOptions): Promise<RunningProcess & { readonly pid: number }> {
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(process.execPath, [programFile('worker')], {
    env,
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, by) => resolve(by ?? `exit code ${code ?? 0}`));
    // It was not started at all.
    child.once('error', (error) => child.pid === undefined && resolve(error.message));
  });
  try {
    await ready(child, logFile, signal);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    throw error;
  }
  return { pid: child.pid ?? -1, exited, stop: () => endChild(child) };
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
