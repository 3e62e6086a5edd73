/** One embedded stack per data folder, and so per person: the first start runs it, later ones join it. */
import { dataLayout } from '../folders/folders.ts';
import { readDevState, writeDevState } from './dev-state.ts';
import { type Stack, type StackAddresses, type StackOptions, startStack } from './stack.ts';
import { isAlive, markOf } from '../folders/process-mark.ts';
import { prepareDataDirectory } from './temporal-service/service.ts';
import { withStartLock } from './temporal-service/state/start-lock.ts';

export type OpenedStack =
  /** This process runs and stops it. */
  | { type: 'started'; stack: Stack }
  /** Another process runs and stops it. */
  | { type: 'joined'; stack: StackAddresses & { pid: number } };

/** Concurrent starts end with one stack. */
export async function openStack(options: StackOptions): Promise<OpenedStack> {
  const { dataDirectory, onProgress, signal } = options;
  await prepareDataDirectory(dataDirectory, onProgress);
  return withStartLock(
    dataLayout(dataDirectory).devLock,
    { what: 'the embedded stack', onProgress, signal },
    async () => {
      const found = readDevState(dataDirectory).running;
      if (found !== null && (await isAlive(found))) return { type: 'joined', stack: found };
      const stack = await startStack(options);
      const { address, namespace, taskQueue, uiUrl, pageUrl, workerSettings } = stack;
      const self = (await markOf(process.pid)) ?? { pid: process.pid, startedAt: '' };
      const running = { address, namespace, taskQueue, uiUrl, pageUrl, workerSettings, ...self };
      try {
        writeDevState(dataDirectory, { running });
      } catch (error) {
        await stack.stop().catch(() => undefined);
        throw error;
      }
      return { type: 'started', stack: { ...stack, stop: () => leave(dataDirectory, stack) } };
    },
  );
}

/** Removes it from `dev.json` first, so that nobody joins a stack that ends. */
async function leave(dataDirectory: string, stack: Stack): Promise<void> {
  try {
    writeDevState(dataDirectory, { running: null });
  } finally {
    await stack.stop();
  }
}
