/** Opens a thread on the host that has its workspace: the worker that runs the workflow may be on another one. */
import { CancellationScope, proxyLocalActivities, scheduleActivity, workflowInfo } from '@temporalio/workflow';
import type { Activities, Elsewhere, OpenedThread } from '../../../activities/contract.ts';
import type { StartThread } from '../../../src/contract/index.ts';
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { toStepFailure } from '../../sandbox/step-failure.ts';

const { openThread } = proxyLocalActivities<Activities>({ startToCloseTimeout: '5s' });

/** How long a host that was named is waited for. */
export const NAMED_HOST_WAIT = '10m';
/** The same for one that is only asked whether it has the folder. */
const ASKED_HOST_WAIT = '5s';

type Refused = { type: 'refused'; reason: string };

/** The settings of the thread come from the host that it gets. */
export async function openOnHost(start: StartThread): Promise<OpenedThread | Refused> {
  const opened = await openThread(start);
  if (!isElsewhere(opened)) return opened;
  const { host } = start.workspace;
  if (host === undefined) return askAll(start, opened);
  if (opened.ask.length === 0) return refused(`host ${host} takes no new threads; known are ${list(opened.others)}`);
  try {
    const named = await openThere(start, host, NAMED_HOST_WAIT);
    return isElsewhere(named) ? refused(`host ${host} takes no new threads`) : named;
  } catch (error) {
    return refused(`host ${host} does not answer: ${toStepFailure(error).message}`);
  }
}

export function isRefused(opened: object): opened is Refused {
  return 'type' in opened && opened.type === 'refused';
}

export function isElsewhere(answer: object): answer is Elsewhere {
  return 'type' in answer && answer.type === 'elsewhere';
}

type Answer = { type: 'opened'; thread: OpenedThread } | { type: 'not'; host: string; why: string };

/** All at once; the first in the list that has the folder is taken, however fast it answers. */
async function askAll(start: StartThread, { ask, others }: Elsewhere): Promise<OpenedThread | Refused> {
  const asking = new CancellationScope({ cancellable: true });
  const answers = await asking.run(() => Promise.resolve(ask.map((host) => askOne(start, host))));
  const without: string[] = [];
  for (const asked of answers) {
    const answer = await asked;
    if (answer.type === 'opened') {
      asking.cancel();
      return answer.thread;
    }
    without.push(`${answer.host} (${answer.why})`);
  }
  return refused(`no host has the folder ${start.workspace.cwd}: ${list([...without, ...others].sort())}`);
}

async function askOne(start: StartThread, host: string): Promise<Answer> {
  try {
    const thread = await openThere(start, host, ASKED_HOST_WAIT);
    return isElsewhere(thread) ? { type: 'not', host, why: 'has no such folder' } : { type: 'opened', thread };
  } catch (error) {
    return { type: 'not', host, why: `does not answer: ${toStepFailure(error).message}` };
  }
}

/** The workers of a host that is only asked open the thread if the folder is there. */
function openThere(start: StartThread, host: string, wait: typeof NAMED_HOST_WAIT | typeof ASKED_HOST_WAIT) {
  const named = { ...start, workspace: { ...start.workspace, host } };
  return scheduleActivity<OpenedThread | Elsewhere>('openThread', [named, wait === ASKED_HOST_WAIT], {
    taskQueue: toHostQueue(workflowInfo().taskQueue, host),
    scheduleToStartTimeout: wait,
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 3 },
    summary: `open: on ${host}`,
  });
}

function refused(why: string): Refused {
  return { type: 'refused', reason: `${WORKFLOW_CODES.workspaceOnNoHost}: ${why}.` };
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
