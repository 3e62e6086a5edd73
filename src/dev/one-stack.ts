/** One embedded stack for each data folder, and so for each person: the first start runs it, every later one joins it. */
import { dataLayout } from '../folders/folders.ts';
import { readDevState, writeDevState } from './dev-state.ts';
import { type Stack, type StackAddresses, type StackOptions, startStack } from './stack.ts';
import { isAlive, markOf } from './temporal-service/run/process-start.ts';
import { prepareDataDirectory } from './temporal-service/service.ts';
import { withStartLock } from './temporal-service/state/start-lock.ts';

export type OpenedStack =
  /** Stopped by this process. */
  | { type: 'started'; stack: Stack }
  /** Run by another process, which stops it. */
  | { type: 'joined'; stack: StackAddresses & { pid: number } };

/** Two starts at the same moment end with one stack. */
export async function openStack(options: StackOptions): Promise<OpenedStack> {
  const { dataDirectory, onProgress, signal } = options;
  await prepareDataDirectory(dataDirectory, onProgress);
  return withStartLock(
    dataLayout(dataDirectory).devLock,
    { what: 'the embedded stack', onProgress, signal },
    async () => {
      const { running } = readDevState(dataDirectory);
      if (running !== null && (await isAlive(running))) return { type: 'joined', stack: running };
      const stack = await startStack(options);
      const { address, namespace, taskQueue, uiUrl } = stack;
      const self = (await markOf(process.pid)) ?? { pid: process.pid, startedAt: '' };
      writeDevState(dataDirectory, { running: { address, namespace, taskQueue, uiUrl, ...self } });
      return { type: 'started', stack: { ...stack, stop: () => leave(dataDirectory, stack) } };
    },
  );
}

/** First nobody joins it any longer, then it ends. */
async function leave(dataDirectory: string, stack: Stack): Promise<void> {
  writeDevState(dataDirectory, { running: null });
  await stack.stop();
}
