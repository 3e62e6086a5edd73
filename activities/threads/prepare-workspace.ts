/** Opens a thread in a clone that this host makes for it. Idempotent: a second attempt finds the folder of the first. */
import { Context } from '@temporalio/activity';
import type { StartThread } from '../../src/contract/index.ts';
import type { OpenedThread } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { Ports } from '../ports.ts';
import { runStep } from '../step.ts';
import { openHere } from './open-thread.ts';

export async function prepareWorkspace(ports: Ports, start: StartThread): Promise<OpenedThread | { type: 'aborted' }> {
  const { threadId, workspace } = start;
  if (workspace.cwd !== undefined) throw new Failure('internal', `Thread ${threadId} has no repository to fetch.`);
  const { repository, ref, path } = workspace;
  const wanted = { repository, ...(ref !== undefined && { ref }), ...(path !== undefined && { path }) };
  const place = { ...ports, threadId, actionId: 'prepareWorkspace' };
  return runStep(place, { type: 'workspace', repository }, async ({ signal }) => {
    const { cwd } = await ports.workspaces.prepare({ threadId, key: ownerKey() }, wanted, signal);
    return openHere(ports, start, { cwd });
  });
}

/** The run that begins the thread: its retries share a folder, and a later thread of the same id has another. */
function ownerKey(): string {
  const { namespace, workflowExecution } = Context.current().info;
  return `${namespace}/${workflowExecution?.workflowId ?? ''}/${workflowExecution?.runId ?? ''}`;
}
