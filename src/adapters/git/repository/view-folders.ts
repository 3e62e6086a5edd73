/**
 * The folders of views. They are kept and used again, each by one view at a time: every turn looks at its repository,
 * and making and removing a folder takes longer than git itself on a disk that is busy.
 */
import { rmSync } from 'node:fs';
import { makePrivateTemp } from '../../../folders/private-temp.ts';
import { isThere } from '../../../folders/real-path.ts';

interface Idle {
  folder: string;
  madeAt: number;
}

const MAX_IDLE = 16;
/** Much less than the age at which folders of killed processes are removed. */
const MAX_AGE_MS = 6 * 60 * 60 * 1000;

/** By what they are views of, least recently used first. */
const idle = new Map<string, Idle>();

process.once('exit', () => {
  for (const { folder } of idle.values()) remove(folder);
});

/** Runs the body with a folder that is new, or that an earlier body for the same `key` has left without an error. */
export async function withViewFolder<T>(key: string, body: (folder: string) => Promise<T>): Promise<T> {
  const lent = take(key) ?? { folder: await makePrivateTemp('bobbin-git-'), madeAt: Date.now() };
  try {
    const result = await body(lent.folder);
    giveBack(key, lent);
    return result;
  } catch (error) {
    remove(lent.folder);
    throw error;
  }
}

function take(key: string): Idle | undefined {
  const found = idle.get(key);
  idle.delete(key);
  if (found === undefined || isThere(found.folder)) return found;
  return undefined;
}

function giveBack(key: string, lent: Idle): void {
  if (idle.has(key) || Date.now() - lent.madeAt > MAX_AGE_MS) {
    remove(lent.folder);
    return;
  }
  idle.set(key, lent);
  const [oldest] = idle;
  if (idle.size <= MAX_IDLE || oldest === undefined) return;
  idle.delete(oldest[0]);
  remove(oldest[1].folder);
}

function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
