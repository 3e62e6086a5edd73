/** `dev.json` in the data directory: how other commands find the running stack, and which thread goes on next time. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dataLayout } from '../folders/folders.ts';
import { writePrivateFileSync } from '../folders/private-file.ts';
import type { StackAddresses } from './stack.ts';

export interface DevState {
  /** Set while a stack runs. */
  running: (StackAddresses & { pid: number }) | null;
  /** The thread that `bobbin dev` goes on with. */
  threadId: string | null;
}

const NOTHING: DevState = { running: null, threadId: null };

export function readDevState(dataDirectory: string): DevState {
  const file = dataLayout(dataDirectory).devState;
  if (!existsSync(file)) return NOTHING;
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as DevState;
    const running = state.running !== null && isAlive(state.running.pid) ? state.running : null;
    return { running, threadId: state.threadId };
  } catch {
    // A torn file costs the thread its place, not the start.
    return NOTHING;
  }
}

export function writeDevState(dataDirectory: string, change: Partial<DevState>): void {
  const state = { ...readDevState(dataDirectory), ...change };
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  writePrivateFileSync(dataLayout(dataDirectory).devState, JSON.stringify(state, null, 2));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
