/** A worker as a separate process, that can be told to stop and that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { WORKER } from '../parts/programs.ts';

export interface WorkerExit {
  /** Null where a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface WorkerChild {
  readonly pid: number;
  /** Settles when it has ended, however; never rejects. */
  readonly exited: Promise<WorkerExit>;
  isRunning(): boolean;
  /** What it wrote to both of its outputs so far. */
  output(): string;
  /** Sends the signal without waiting. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** SIGKILL, and waits until it is gone. Twice is once. */
  kill(): Promise<void>;
  /** SIGTERM, and waits until it has drained and ended by itself. Twice is once. */
  stop(): Promise<WorkerExit>;
}

/** Settings that say which service and which model are used; those of the machine the tests run on do not count. */
const FOREIGN = /^(BOBBIN|TEMPORAL|OPENAI|ANTHROPIC|GOOGLE)_/;

/**
 * Resolves once it asks for work. Rejects with the end of its log where it ends before that.
 * @param entry the worker of other sources than these.
 * @param env what it is configured by, beside the plain environment of this process.
 * @param launcher a program that runs it, with its arguments; the end of the channel stops the worker behind it.
 */
export async function startWorkerChild(
  env: Record<string, string>,
  logFile: string,
  entry = WORKER,
  launcher: readonly string[] = [],
): Promise<WorkerChild> {
  const plain = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name));
  const log = openSync(logFile, 'a');
  const [program = process.execPath, ...rest] = launcher;
  const words = launcher.length === 0 ? [entry] : [...rest, process.execPath, entry];
  const child = spawn(program, words, {
    env: { ...Object.fromEntries(plain), ...env },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = new Promise<WorkerExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: -1, signal: null }));
  });
  await becomeReady(child, exited, logFile);
  // The channel would keep this process alive, and its end is a way to stop the worker, so it stays open.
  child.unref();
  child.channel?.unref();
  return toWorkerChild(child, exited, logFile, launcher.length > 0);
}

async function becomeReady(child: ChildProcess, exited: Promise<WorkerExit>, logFile: string): Promise<void> {
  const ready = new Promise<'ready'>((resolve) => child.once('message', () => resolve('ready')));
  const first = await Promise.race([ready, exited]);
  if (first === 'ready') return;
  const end = readFileSync(logFile, 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(`The worker ended with ${first.signal ?? `code ${first.code ?? 'none'}`} before it was up:\n${end}`);
}

function toWorkerChild(
  child: ChildProcess,
  exited: Promise<WorkerExit>,
  logFile: string,
  isLaunched: boolean,
): WorkerChild {
  const send = (signal: NodeJS.Signals) => void child.kill(signal);
  return {
    pid: child.pid ?? -1,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    output: () => readFileSync(logFile, 'utf8'),
    signal: send,
    async kill() {
      send('SIGKILL');
      await exited;
    },
    async stop() {
      if (isLaunched && child.connected) child.disconnect();
      else send('SIGTERM');
      return exited;
    },
  };
}
