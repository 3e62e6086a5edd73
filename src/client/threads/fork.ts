/** Starts a new thread with the past of another one. */
import { type StartThread, toWorkflowId } from '../../contract/index.ts';
import { toBobbinError } from '../errors.ts';
import { viewOnceOpen } from './opening.ts';
import type { Service } from '../service.ts';
import { describeThread } from './owners.ts';
import type { NewThread } from './thread-ids.ts';
import { type ThreadHandle, openHandle } from './thread-handle.ts';

/** Omitted settings are those of the source, except the title, which is not copied. */
export type ForkOptions = Omit<StartThread, 'threadId' | 'workspace' | 'parent' | 'resume' | 'fork'> & {
  /** The last turn to copy. By default all turns; an active turn is cut off at its current point. */
  turnId?: string;
  /** Id of the new thread. */
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
    const thread = await start({ ...settings, workspace, fork }, { owner });
    await viewOnceOpen(service, thread);
    return thread;
  } catch (error) {
    throw toBobbinError(error, { threadId: source, action: 'fork a thread' });
  }
}

/** The workspace from the start of the thread, which needs no worker. */
async function cwdOf(service: Service, source: string): Promise<string> {
  const { memo } = await service.within(() => service.client.workflow.getHandle(toWorkflowId(source)).describe());
  const cwd = memo?.['cwd'];
  return typeof cwd === 'string' && cwd !== '' ? cwd : (await openHandle(service, source).view()).settings.cwd;
}
