/** Opens a thread on the host that has its workspace: the worker that runs the workflow may be on another one. */
import {
  CancelledFailure,
  CancellationScope,
  proxyLocalActivities,
  scheduleActivity,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, Elsewhere, OpenedThread } from '../../../activities/contract.ts';
import type { HostWait, ManagedWorkspace, StartThread } from '../../../src/contract/index.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../../src/contract/plain/heartbeat.ts';
import { toHostQueue } from '../../../src/contract/plain/hosts.ts';
import { WORKFLOW_CODES } from '../../../src/contract/plain/workflow-codes.ts';
import { toStepFailure } from '../../sandbox/step-failure.ts';
import { toSummary } from '../state/steps.ts';

const { openThread } = proxyLocalActivities<Activities>({ startToCloseTimeout: '5s' });

/** How long a host that was named is waited for. */
export const NAMED_HOST_WAIT = '10m';
/** The same for one that is only asked whether it has the folder. */
const ASKED_HOST_WAIT = '5s';
/** The same for one of several that may fetch a repository, when its worker has just started or gone. */
const FETCHING_HOST_WAIT = '30s';

type Refused = { type: 'refused'; reason: string; code: string };

type OnWait = (waitsFor: HostWait) => void;

/** The settings of the thread come from the host that it gets. @param onWait called before the wait for one host */
export async function openOnHost(start: StartThread, onWait: OnWait): Promise<OpenedThread | Refused> {
  const opened = await openThread(start);
  if (!isElsewhere(opened)) return opened;
  if (start.workspace.cwd === undefined) return fetchOnHost(start, start.workspace, opened, onWait);
  const { host } = start.workspace;
  if (host === undefined) return askAll(start, start.workspace.cwd, opened);
  if (opened.ask.length === 0) return refused(`host ${host} takes no new threads; known are ${list(opened.others)}`);
  try {
    onWait({ host, since: Date.now() });
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
async function askAll(start: StartThread, cwd: string, { ask, others }: Elsewhere): Promise<OpenedThread | Refused> {
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
  return refused(`no host has the folder ${cwd}: ${list([...without, ...others].sort())}`);
}

async function askOne(start: StartThread, host: string): Promise<Answer> {
  try {
    const thread = await openThere(start, host, ASKED_HOST_WAIT);
    return isElsewhere(thread) ? { type: 'not', host, why: 'has no such folder' } : { type: 'opened', thread };
  } catch (error) {
    return { type: 'not', host, why: `does not answer: ${toStepFailure(error).message}` };
  }
}

/** The first host that answers fetches the repository. What it finds out about the repository holds for all of them. */
async function fetchOnHost(
  start: StartThread,
  { repository, host: named }: ManagedWorkspace,
  { ask, others }: Elsewhere,
  onWait: OnWait,
): Promise<OpenedThread | Refused> {
  const silent: string[] = [];
  for (const host of ask) {
    try {
      onWait({ host, since: Date.now(), repository });
      return await fetchThere(start, repository, host, named === undefined ? FETCHING_HOST_WAIT : NAMED_HOST_WAIT);
    } catch (error) {
      const { code, message } = toStepFailure(error);
      if (code !== WORKFLOW_CODES.stepTimedOut) return toRefused(code, message);
      silent.push(`${host} (does not answer: ${message})`);
    }
  }
  const known = list([...silent, ...others].sort());
  return refused(
    `${named === undefined ? 'no host' : `host ${named} does not answer, or`} takes no new threads: ${known}`,
  );
}

/** A fetch may take long, and it is the host that says how long. */
async function fetchThere(start: StartThread, repository: string, host: string, wait: string): Promise<OpenedThread> {
  const opened = await scheduleActivity<OpenedThread | { type: 'aborted' }>('prepareWorkspace', [start], {
    taskQueue: toHostQueue(workflowInfo().taskQueue, host),
    scheduleToStartTimeout: wait,
    startToCloseTimeout: '2h',
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
    summary: toSummary(`fetch on ${host}`, repository),
  } as const);
  if ('type' in opened) throw new CancelledFailure('The step was stopped');
  return opened;
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
  return toRefused(WORKFLOW_CODES.workspaceOnNoHost, `${why}.`);
}

function toRefused(code: string, why: string): Refused {
  return { type: 'refused', reason: `${code}: ${why}`, code };
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
