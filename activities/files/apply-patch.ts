/**
 * Applies a patch. It is checked against the files before anything is written. A later attempt cannot know how far a
 * lost one came. So it treats a file that is as the patch makes it as written, and refuses a file that does not show
 * which it is. On the first attempt the patch must apply to the files as they are.
 */
import { Context } from '@temporalio/activity';
import type { PatchStep, PatchStepResult } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { refuseOwnSettings } from './own-settings.ts';
import { runStep } from '../step.ts';

export async function applyPatch(ports: Ports, input: PatchStep): Promise<PatchStepResult> {
  return runStep<{ type: 'patch' }, PatchStepResult>({ ...ports, ...input }, { type: 'patch' }, async ({ signal }) => {
    refuseOwnSettings(ports, input.cwd, input.sandbox);
    const patch = await readPatch(ports, input, signal);
    const sandbox = { mode: input.sandbox, writableRoots: [], networkAccess: false };
    const retried = Context.current().info.attempt > 1;
    const { cwd, root, leads = [] } = input;
    const actionId = `${input.threadId} ${input.actionId}`;
    const where = { cwd, sandbox, actionId, retried, leads, ...(root === undefined ? {} : { root }) };
    const { changes } = await ports.patches.apply(patch, where, signal);
    return { type: 'applied', changes };
  });
}

async function readPatch(ports: Ports, input: PatchStep, signal: AbortSignal): Promise<string> {
  const { items, from } = await ports.threads.context(input.threadId, input.index, signal);
  const item = items[input.index - from];
  if (item?.type === 'fileChange') return item.patch;
  throw new Failure(
    'internal',
    `Item ${input.index} of thread ${input.threadId} is not the patch of ${input.actionId}.`,
  );
}
