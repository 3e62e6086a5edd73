/** Lets files outlive a power failure, all of a folder at once: to open each again would take longer than to write it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram } from '../programs.ts';
import { withoutLoaders } from '../shell/command-environment.ts';

const DEADLINE_MS = 60_000;

/**
 * Resolves when the file system of a folder has written what it was given, or cannot do so in a minute: then a power failure
 * soon after may take some of it. Rejects only with the reason of the signal. Does nothing on other systems than Linux.
 */
export async function flushFileSystem(folder: string, signal: AbortSignal): Promise<void> {
  const sync = process.platform === 'linux' ? findProgram('sync', [folder]) : undefined;
  if (sync === undefined) return;
  const options = {
    env: withoutLoaders(process.env),
    signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
  };
  await promisify(execFile)(sync, ['-f', folder], options).catch(() => signal.throwIfAborted());
}
