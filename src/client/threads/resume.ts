/** Continues a closed thread in a new run of its workflow id. */
import {
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { type StartThread, StartThreadSchema, WORKFLOW_TYPE, toWorkflowId } from '../../contract/index.ts';
import type { ModelOptions } from '../../contract/plain/model-options.ts';
import type { thread } from '../../../workflows/thread/shell/workflow.ts';
import { threadQuery } from '../../../workflows/thread/shell/messages.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../../../workflows/sandbox/task-timeout.ts';
import { toStaticTexts } from '../../../workflows/thread/view/static-details.ts';
import { BobbinError } from '../bobbin-error.ts';
import { toBobbinError } from '../errors.ts';
import { createOwnerReader } from './owners.ts';
import { viewOnceOpen } from './opening.ts';
import type { Service } from '../service.ts';
import { type ThreadHandle, openHandle } from './thread-handle.ts';

/** New settings for a resumed thread; omitted ones stay. */
export type ResumeChanges = Pick<
  StartThread,
  'title' | 'model' | keyof ModelOptions | 'instructions' | 'approvalPolicy' | 'sandbox' | 'unattended'
>;

export interface ResumedThread {
  thread: ThreadHandle;
  /** True if the thread was running: nothing was started or changed. */
  rejoined: boolean;
  warnings: string[];
}

/** See `Bobbin.threads.resume`. */
export async function resumeThread(
  service: Service,
  threadId: string,
  changes: ResumeChanges = {},
): Promise<ResumedThread> {
  const about = { threadId, action: 'resume a thread' };
  try {
    const newest = await service.within(() => service.client.workflow.getHandle(toWorkflowId(threadId)).describe());
    const started = newest.status.name !== 'RUNNING' && (await startFrom(service, threadId, newest, changes));
    const thread = openHandle(service, threadId);
    if (started) await viewOnceOpen(service, thread);
    return { thread, rejoined: !started, warnings: started ? [] : warningsOf(threadId, changes) };
  } catch (error) {
    throw toBobbinError(error, about);
  }
}

function warningsOf(threadId: string, changes: ResumeChanges): string[] {
  const given = Object.keys(changes);
  if (given.length === 0) return [];
  return [`Thread ${threadId} is running, so it keeps its settings. Ignored: ${given.join(', ')}.`];
}

/** False if another caller was faster: concurrent resumes start one run. */
async function startFrom(
  service: Service,
  threadId: string,
  closed: WorkflowExecutionDescription,
  changes: ResumeChanges,
): Promise<boolean> {
  if (closed.type !== WORKFLOW_TYPE) {
    throw new BobbinError('threadNotFound', `resume a thread: ${closed.workflowId} is not the workflow of a thread.`);
  }
  const memo = (closed.memo ?? {}) as { title?: string; prompt?: string; cwd?: string };
  const prompt = memo.prompt ?? '';
  const cwd = memo.cwd ?? (await cwdOf(service, closed));
  const owner = await createOwnerReader(service)(closed);
  const argument = StartThreadSchema.parse({
    ...changes,
    threadId,
    workspace: { cwd },
    resume: { runId: closed.runId },
  });
  try {
    await service.within(() =>
      service.client.workflow.start<typeof thread>(WORKFLOW_TYPE, {
        workflowId: toWorkflowId(threadId),
        taskQueue: service.taskQueue,
        args: [argument],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        ...toStaticTexts({ ...argument, title: changes.title ?? memo.title ?? '' }, prompt),
        memo: {
          ...{ title: changes.title ?? memo.title ?? '', cwd },
          ...(prompt === '' ? {} : { prompt }),
          ...(owner === null ? {} : { owner }),
        },
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

/**
 * A thread that a raw client started has no memo, so the thread is asked for its workspace. If it cannot answer, it uses the
 * workspace of the restored run, whatever the argument contains.
 */
async function cwdOf(service: Service, { workflowId, runId }: WorkflowExecutionDescription): Promise<string> {
  try {
    const view = await service.within(() => service.client.workflow.getHandle(workflowId, runId).query(threadQuery));
    return view.settings.cwd;
  } catch (error) {
    if (error instanceof QueryNotRegisteredError) return '/';
    throw error;
  }
}
