/** The most that processes hold while something runs. */
import { readFileSync } from 'node:fs';

/** Between two looks. */
const EVERY_MS = 250;

/** The greatest resident set that was seen of each process, in MiB, under the same names; null where nobody tells. */
export type Peaks<K extends string> = Record<K, number | null>;

/** Resolves with what the body does. The processes that a worker starts itself, git and commands, do not count. */
export async function watchMemory<K extends string, T>(
  pids: Record<K, number>,
  body: () => Promise<T>,
): Promise<{ result: T; peaks: Peaks<K> }> {
  const names = Object.keys(pids) as K[];
  const peaks = Object.fromEntries(names.map((name) => [name, null])) as Peaks<K>;
  const look = () => {
    for (const name of names) {
      const mib = residentMiB(pids[name]);
      if (mib !== null) peaks[name] = Math.max(peaks[name] ?? 0, mib);
    }
  };
  const timer = setInterval(look, EVERY_MS);
  try {
    look();
    const result = await body();
    look();
    return { result, peaks };
  } finally {
    clearInterval(timer);
  }
}

/** Only Linux has this without a separate process. */
function residentMiB(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}
