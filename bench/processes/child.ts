/** Child processes of the bench: started with their output in a file, asked over IPC, and ended with the bench. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';

export interface ChildOptions {
  name: string;
  /** Module to run. */
  entry: URL;
  /** Options of Node itself. */
  execArgv?: string[];
  env: NodeJS.ProcessEnv;
  /** Both of its outputs go there. */
  logFile: string;
}

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Sends a question and waits for the answer; the child answers with the question's `id`. */
  ask<T>(question: { type: string }): Promise<T>;
  /** SIGTERM, and SIGKILL after 15 seconds. Resolves when it has ended; twice is once. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

const living = new Set<ChildProcess>();
// The last resort, where the bench itself ends without having stopped them.
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

/** Resolves when the child has said `{ type: 'ready' }`; gives what it said, too. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows what its child says
export async function startChild<R = unknown>(options: ChildOptions): Promise<{ child: Child; ready: R }> {
  const log = openSync(options.logFile, 'a');
  const spawned = spawn(process.execPath, [...(options.execArgv ?? []), options.entry.pathname], {
    env: options.env,
    // A group of its own, so that the terminal's Ctrl-C reaches the bench alone.
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const exited = watchExit(spawned);
  const child = toChild(options, spawned, exited);
  try {
    const ready = await hear<R>(options, spawned, exited, (message) => message.type === 'ready');
    return { child, ready };
  } catch (error) {
    await child.kill();
    throw error;
  }
}

function watchExit(spawned: ChildProcess): Promise<void> {
  living.add(spawned);
  return new Promise((resolve) => {
    const ended = () => {
      living.delete(spawned);
      resolve();
    };
    spawned.once('exit', ended).once('error', ended);
  });
}

let questions = 0;

function toChild(options: ChildOptions, spawned: ChildProcess, exited: Promise<void>): Child {
  const end = async (signal: NodeJS.Signals) => {
    if (spawned.exitCode === null && spawned.signalCode === null) spawned.kill(signal);
    const timer = setTimeout(() => spawned.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  };
  return {
    pid: spawned.pid ?? -1,
    ask<T>(question: { type: string }) {
      const id = ++questions;
      const answer = hear<T>(options, spawned, exited, (message) => message.id === id);
      spawned.send({ ...question, id });
      return answer;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  };
}

interface Message {
  type?: string;
  id?: number;
}

/** The first message that fits. */
async function hear<T>(
  { name, logFile }: ChildOptions,
  spawned: ChildProcess,
  exited: Promise<void>,
  fits: (message: Message) => boolean,
): Promise<T> {
  const failure = (why: string) => new Error(`${name} ${why}. The end of its log:\n${tail(logFile)}`);
  const quit = new AbortController();
  try {
    return await new Promise<T>((resolve, reject) => {
      const onMessage = (message: Message) => {
        if (fits(message)) resolve(message as T);
      };
      const timer = setTimeout(() => reject(failure('did not answer within 60 s')), READY_TIMEOUT_MS);
      spawned.on('message', onMessage);
      quit.signal.addEventListener('abort', () => {
        clearTimeout(timer);
        spawned.off('message', onMessage);
      });
      void exited.then(() => reject(failure('ended')));
    });
  } finally {
    quit.abort();
  }
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').split('\n').slice(-15).join('\n');
}
