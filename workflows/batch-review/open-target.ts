/** Opens a target on a host that has it or may fetch it. */
import {
  ApplicationFailure,
  CancellationScope,
  patched,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, OpenedTarget } from '../../activities/contract.ts';
import type { TargetReview } from '../../src/contract/index.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../src/contract/plain/heartbeat.ts';
import { toHostQueue } from '../../src/contract/plain/hosts.ts';
import { withoutSecrets } from '../../src/contract/plain/repository-address.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import { BATCH_PREFIX } from '../../src/contract/plain/workflow-ids.ts';
import { firstLine } from '../sandbox/plain-text.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { SUMMARY_CHARS } from './details.ts';

export const STEP_OPTIONS = {
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;
/** Cloning a large repository takes time. */
const options = { ...STEP_OPTIONS, startToCloseTimeout: '2h' } as const;
const { openTarget } = proxyActivities<Activities>(options);

/** How long one of several hosts is waited for, and in a second round each that did not answer: it may be busy. */
const ASKED_HOST_WAITS = ['5s', '1m'] as const;
type Wait = (typeof ASKED_HOST_WAITS)[number];
/** Milliseconds between two checks of a target that another run is reviewing: the first, and the longest. */
const BUSY_MS = { first: 2_000, longest: 60_000 };

type Answered = Exclude<OpenedTarget, { type: 'elsewhere' }>;
type Opened = Exclude<Answered, { type: 'busy' | 'aborted' }>;

/** The place of the steps of a target, in the members that steps of threads use. */
export const placeOf = ({ runId }: TargetReview) => ({ threadId: `${BATCH_PREFIX}${runId}`, actionId: 'target' });

export function passesOf({ fullPassEvery, fullPass }: TargetReview) {
  return { fullPassEvery, ...(fullPass === true ? { fullPass } : {}) };
}

/** The id of a batch may be used again: what was recorded before this time is not of this run. */
export function beginOf(): { startedAt?: number } {
  return patched('run-start') ? { startedAt: workflowInfo().startTime.getTime() } : {};
}

/** Waits for another run of the same target, so that its findings are not found twice. */
export async function open(review: TargetReview): Promise<Opened> {
  for (let pause = BUSY_MS.first; ; pause = Math.min(pause * 2, BUSY_MS.longest)) {
    const opened = await openAnywhere(review);
    if (opened.type === 'aborted') await CancellationScope.current().cancelRequested;
    else if (opened.type !== 'busy') return opened;
    await sleep(pause, { summary: 'another run of this target' });
  }
}

async function openAnywhere(review: TargetReview): Promise<Answered> {
  const { host: named } = review.target;
  const opened = named === undefined ? await ask(review) : { type: 'elsewhere' as const, ask: [named], others: [] };
  if (opened.type !== 'elsewhere') return opened;
  const without: string[] = [];
  let left = opened.ask.map((host) => ({ host, why: '' }));
  for (const wait of ASKED_HOST_WAITS) {
    const silent: typeof left = [];
    for (const { host } of left) {
      const answer = await askHost(review, host, wait);
      if (answer.type === 'silent') silent.push({ host, why: answer.why });
      else if (answer.type === 'elsewhere')
        without.push(...(answer.others.length > 0 ? answer.others : [`${host} (has no such folder)`]));
      else return answer;
    }
    left = silent;
  }
  const silent = left.map(({ host, why }) => `${host} (does not answer: ${why})`);
  const hosts = [...without, ...silent, ...opened.others].sort().join(', ') || 'none';
  const message = `No host has the repository ${withoutSecrets(review.target.repository)}, or may fetch it: ${hosts}.`;
  throw ApplicationFailure.nonRetryable(message, WORKFLOW_CODES.workspaceOnNoHost);
}

async function askHost(
  review: TargetReview,
  host: string,
  scheduleToStartTimeout: Wait,
): Promise<OpenedTarget | { type: 'silent'; why: string }> {
  try {
    return await ask(review, { host, scheduleToStartTimeout });
  } catch (error) {
    const { code, message } = toStepFailure(error);
    if (code !== WORKFLOW_CODES.stepTimedOut) throw error;
    return { type: 'silent', why: message };
  }
}

/** @param named a host that is asked; otherwise any may answer, and say which others to ask */
function ask(review: TargetReview, named?: { host: string; scheduleToStartTimeout: Wait }): Promise<OpenedTarget> {
  const { runId, targetId, target, model, instructions } = review;
  const summary = firstLine(`open: ${withoutSecrets(target.repository)}`, SUMMARY_CHARS);
  const place = named === undefined ? {} : toPlace(named);
  return openTarget.executeWithOptions({ ...options, ...place, summary }, [
    {
      ...placeOf(review),
      workflowId: workflowInfo().workflowId,
      ...{ runId, targetId, target, ...passesOf(review), model, instructions },
      ...beginOf(),
      ...(named === undefined ? {} : { ifThere: true as const }),
    },
  ]);
}

function toPlace({ host, scheduleToStartTimeout }: { host: string; scheduleToStartTimeout: Wait }) {
  return { taskQueue: toHostQueue(workflowInfo().taskQueue, host), scheduleToStartTimeout };
}
