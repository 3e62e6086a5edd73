/** A new thread that begins with the past of another one. */
import { randomUUID } from 'node:crypto';
import { type StartThread, toWorkflowId } from '../../contract/index.ts';
import { toBobbinError } from '../errors.ts';
import { viewOnceOpen } from './opening.ts';
import type { Service } from '../service.ts';
import { type ThreadHandle, openHandle } from './thread-handle.ts';

/** Settings that are left out are those of the source, but for the title, which is not taken over. */
export type ForkOptions = Omit<StartThread, 'threadId' | 'workspace' | 'parent' | 'resume' | 'fork'> & {
  /** The last turn that is taken over; left out, all that has ended, and a turn in progress cut off. */
  turnId?: string;
  /** Of the new thread. */
  threadId?: string;
  /** `shared` by default: the same files. `worktree`: a git work tree of its own, with the files as they were then. */
  files?: 'shared' | 'worktree';
  /** Where it works, with a work tree the path of that; left out, where the source does, or below the worker's data. */
  cwd?: string;
};

/** See `Bobbin.threads.fork`. @param start starts a thread, or finds the one of that id. */
export async function forkThread(
  service: Service,
  start: (argument: StartThread) => Promise<unknown>,
  source: string,
  options: ForkOptions = {},
): Promise<ThreadHandle> {
  const { turnId, threadId = randomUUID(), files, cwd, ...settings } = options;
  const fork = {
    threadId: source,
    ...(turnId === undefined ? {} : { turnId }),
    ...(files === undefined ? {} : { files }),
  };
  try {
    const workspace = { cwd: cwd ?? (await cwdOf(service, source)) };
    await start({ ...settings, threadId, workspace, fork });
    const thread = openHandle(service, threadId);
    await viewOnceOpen(service, thread);
    return thread;
  } catch (error) {
    throw toBobbinError(error, { threadId: source, action: 'fork a thread' });
  }
}

/** As it was when the thread was started; nobody has to answer for that. */
async function cwdOf(service: Service, source: string): Promise<string> {
  const { memo } = await service.within(() => service.client.workflow.getHandle(toWorkflowId(source)).describe());
  const cwd = memo?.['cwd'];
  return typeof cwd === 'string' && cwd !== '' ? cwd : (await openHandle(service, source).view()).settings.cwd;
}
