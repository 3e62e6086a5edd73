/** Removes the clones on this machine whose threads are closed. */
import { type CleanedClone, cleanClones } from '../adapters/git/managed/clean-clones.ts';
import type { ThreadFolders } from '../client/index.ts';
import { dataLayout, workspacesDirectory } from '../folders/folders.ts';

export type { CleanedClone };

export interface CleaningOptions {
  env: NodeJS.ProcessEnv;
  /** Absolute. */
  dataDirectory: string;
  /** Milliseconds for which a closed thread keeps its files. */
  keepMs: number;
  preview: boolean;
}

export async function cleanClosedClones(
  threads: ThreadFolders,
  { env, dataDirectory, keepMs, preview }: CleaningOptions,
  signal: AbortSignal,
): Promise<CleanedClone[]> {
  const options = {
    directory: workspacesDirectory(env, dataDirectory),
    records: dataLayout(dataDirectory).clones,
    data: dataDirectory,
    service: threads.serviceId,
    inUse: await threads.inUse(),
    preview,
    async reasonToKeep({ threadId, madeAt }: { threadId: string; madeAt: number }) {
      const closedAt = await threads.closedAt(threadId);
      if (closedAt === 'open') return 'its thread is open';
      // What the service does not keep any longer was closed a while ago.
      const since = closedAt === 'unknown' ? madeAt : closedAt;
      return Date.now() - since < keepMs ? 'its thread was closed a short time ago' : null;
    },
  };
  return cleanClones(options, signal);
}
