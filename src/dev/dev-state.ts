/** `dev.json` in the data folder: where other commands find the running stack, and the thread of each folder. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dataLayout } from '../folders/folders.ts';
import { writePrivateFileSync } from '../folders/private-file.ts';
import type { StackAddresses } from './stack.ts';
import type { ProcessMark } from '../folders/process-mark.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** Earlier releases stored no settings. */
export type RunningStack = StackAddresses & ProcessMark & { workerSettings?: WorkerSettings };

export interface DevState {
  /** Null while no stack is running. */
  running: RunningStack | null;
  /** The thread that `bobbin dev` continues, by the real path of the folder. */
  threads: Record<string, string>;
  /** The only thread that earlier releases stored, without its folder. */
  threadId?: string | null;
}

export function readDevState(dataDirectory: string): DevState {
  const nothing: DevState = { running: null, threads: {} };
  const file = dataLayout(dataDirectory).devState;
  if (!existsSync(file)) return nothing;
  try {
    const state = { ...nothing, ...(JSON.parse(readFileSync(file, 'utf8')) as Partial<DevState>) };
    return state.running !== null && !mayRun(state.running.pid) ? { ...state, running: null } : state;
  } catch {
    // With a damaged file, folders get new threads; the start does not fail.
    return nothing;
  }
}

export function writeDevState(dataDirectory: string, change: Partial<DevState>): void {
  const state = { ...readDevState(dataDirectory), ...change };
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  writePrivateFileSync(dataLayout(dataDirectory).devState, JSON.stringify(state, null, 2));
}

export function rememberThread(dataDirectory: string, folder: string, threadId: string): void {
  const { threads } = readDevState(dataDirectory);
  writeDevState(dataDirectory, { threads: { ...threads, [folder]: threadId } });
}

function mayRun(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
