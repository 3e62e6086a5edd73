/**
 * Runs one step of a task. The result says whether another step follows, so the thread needs to know nothing of the task:
 * its history can be replayed by a worker that does not have it. A step whose worker was lost runs again.
 */
import { toInputText } from '../../src/contract/plain/images/image-types.ts';
import type { TaskStep, TaskStepResult } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports, TaskReport } from '../ports.ts';
import { runStep } from '../step.ts';

/** The last heartbeat of a running step, for the Temporal UI. */
interface TaskProgress {
  type: 'task';
  text: string;
}

export async function runTask(ports: Ports, step: TaskStep): Promise<TaskStepResult> {
  const first: TaskProgress = { type: 'task', text: '' };
  return runStep<TaskProgress, TaskReport>({ ...ports, ...step }, first, async (running) => {
    const { task, threadId, turnId, cwd, root, step: number, state } = step;
    ports.requireWorkspace(cwd, root);
    const input = await readInput(ports, step, running.signal);
    return ports.tasks.run(
      { task, threadId, turnId, cwd, input, step: number, state },
      { signal: running.signal, onProgress: (text) => (running.progress = { type: 'task', text }) },
    );
  });
}

async function readInput(ports: Ports, { threadId, inputItem }: TaskStep, signal: AbortSignal): Promise<string> {
  if (inputItem === null) return '';
  const { items, from } = await ports.threads.context(threadId, inputItem, signal);
  const item = items[inputItem - from];
  if (item?.type === 'userMessage') return toInputText(item.content);
  throw new Failure('internal', `Item ${inputItem} of thread ${threadId} is not the input of a task.`);
}
