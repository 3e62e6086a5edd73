/** Starts a new thread with the past of another one. */
import { type Fork, type StartThread, toWorkflowId } from '../../contract/index.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { viewOnceOpen } from './opening.ts';
import type { Service } from '../service.ts';
import { describeThread, readOwner } from './owners.ts';
import type { NewThread } from './thread-ids.ts';
import { type ThreadHandle, openHandle } from './thread-handle.ts';

/** Omitted settings are those of the source, except the title, which is not copied. */
export type ForkOptions = Omit<StartThread, 'threadId' | 'workspace' | 'parent' | 'resume' | 'fork'> & {
  /** The last turn to copy. By default all turns; an active turn is cut off at its current point. */
  turnId?: string;
  /** Id of the new thread. The same fork under the same id is one thread; the first request counts. */
  threadId?: string;
  /** `shared` (the default): the same files. `worktree`: a separate git work tree with the files as they were then. */
  files?: 'shared' | 'worktree';
  /** Its workspace, or the path of the work tree. By default that of the source, or a path in the worker's data. */
  cwd?: string;
};

/** See `Bobbin.threads.fork`. @param start starts a thread, and refuses an id that another one has */
export async function forkThread(
  service: Service,
  start: (argument: NewThread, options: { owner: string | null }) => Promise<ThreadHandle>,
  source: string,
  options: ForkOptions = {},
): Promise<ThreadHandle> {
  const { turnId, files, cwd, ...settings } = options;
  const fork = {
    threadId: source,
    ...(turnId === undefined ? {} : { turnId }),
    ...(files === undefined ? {} : { files }),
  };
  try {
    const workspace = { cwd: cwd ?? (await cwdOf(service, source)) };
    const { owner } = await describeThread(service, source);
    const argument = { ...settings, workspace, fork };
    const thread = await start(argument, { owner }).catch(async (error: unknown) => {
      if (await isSameFork(service, error, settings.threadId, { fork, owner }))
        return openHandle(service, settings.threadId ?? '');
      throw error;
    });
    await viewOnceOpen(service, thread);
    return thread;
  } catch (error) {
    throw toBobbinError(error, { threadId: source, action: 'fork a thread' });
  }
}

/** The memo of a fork: what it was made from, so that a repeated request finds its thread. */
export function toForkMemo({
  threadId,
  turnId = null,
}: Pick<Fork, 'threadId'> & { turnId?: string | null | undefined }) {
  return { threadId, turnId };
}

/** Whether the thread that has the id was forked from the same turn for the same owner: the first answer was lost. */
async function isSameFork(
  service: Service,
  error: unknown,
  threadId: string | undefined,
  { fork, owner }: { fork: Fork; owner: string | null },
): Promise<boolean> {
  if (!(error instanceof BobbinError) || error.code !== 'threadExists' || threadId === undefined) return false;
  const found = await service.within(() => service.client.workflow.getHandle(toWorkflowId(threadId)).describe());
  const made = found.memo?.['forkOf'] as { threadId?: unknown; turnId?: unknown } | null | undefined;
  const asked = toForkMemo(fork);
  if (made?.threadId !== asked.threadId || made.turnId !== asked.turnId) return false;
  return readOwner(found) === owner;
}

/** The workspace from the start of the thread, which needs no worker. */
async function cwdOf(service: Service, source: string): Promise<string> {
  const { memo } = await service.within(() => service.client.workflow.getHandle(toWorkflowId(source)).describe());
  const cwd = memo?.['cwd'];
  return typeof cwd === 'string' && cwd !== '' ? cwd : (await openHandle(service, source).view()).settings.cwd;
}
