/**
 * The review of one target: its repository is cloned, its ledger decides what is new, a separate thread examines each
 * part of it, and the findings go to the ledger. Every error becomes the outcome of its row.
 */
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { CONVERSATION } from '../../src/contract/plain/turn-kinds.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import { withoutSecrets } from '../../src/contract/plain/repository-address.ts';
import type { Activities, OpenedTarget, TargetPart } from '../../activities/contract.ts';
import type {
  ClosedLedger,
  LedgerView,
  RowOutcome,
  Spent,
  StartThread,
  TargetReview,
  ThreadResult,
} from '../../src/contract/index.ts';
import { toHostQueue } from '../../src/contract/plain/hosts.ts';
import { leftOf, plus, NOTHING_SPENT } from '../../src/contract/plain/amounts.ts';
import { firstLine, words } from '../sandbox/plain-text.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../sandbox/task-timeout.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { SUMMARY_CHARS, toTargetSummary } from './details.ts';
import { BATCH_PREFIX, toLedgerWorkflowId, toWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { parseTargetReview } from './guards.ts';
import { closedLedgerQuery } from './messages.ts';
import { HEARTBEAT_TIMEOUT_MS } from '../../src/contract/plain/heartbeat.ts';

const options = {
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '30s' },
} as const;
/** Cloning a large repository takes time. */
const opening = { ...options, startToCloseTimeout: '2h' } as const;
const concluding = { ...options, startToCloseTimeout: '30m' } as const;
const { openTarget } = proxyActivities<Activities>(opening);
const { concludeTarget } = proxyActivities<Activities>(concluding);
const reading = { ...options, startToCloseTimeout: '5m' } as const;
const { readLedger } = proxyActivities<Activities>(reading);

/** Milliseconds between two checks of a target that another run is reviewing: the first, and the longest. */
const BUSY_MS = { first: 2_000, longest: 60_000 };

/** The progress of a review under way. */
interface Progress {
  spent: Spent;
}

/** Only batches start it, so an argument that cannot be used ends as the row of one would. */
export async function targetReview(argument: unknown): Promise<RowOutcome> {
  const parsed = parseTargetReview(argument);
  if (!parsed.ok) return { status: 'failed', code: parsed.code, message: parsed.reason, spent: null };
  const review = parsed.value;
  let closed: ClosedLedger | null = null;
  setHandler(closedLedgerQuery, () => closed, { description: 'What its ledger said when the review ended' });
  const outcome = await outcomeOf(review, { spent: NOTHING_SPENT });
  // Otherwise the ledger may wait for this run, even if its answer was lost.
  if (outcome.status !== 'reviewed' && outcome.status !== 'skipped')
    await CancellationScope.nonCancellable(() => abandon(review, outcome.status));
  // The part of the batch's record about this target: later changes of the ledger do not change it.
  if (patched('closed-record')) closed = await CancellationScope.nonCancellable(() => close(review));
  return closed?.ledger == null ? outcome : { ...outcome, open: countOpen(closed.ledger) };
}

/** Null if the ledger does not answer; the record then has the ledger's state at reading time. */
async function close(review: TargetReview): Promise<ClosedLedger | null> {
  try {
    const summary = 'closes the record';
    const { targetId } = review;
    const read = await readLedger.executeWithOptions({ ...reading, summary }, [{ ...place(review), targetId }]);
    return read.type === 'read' ? { ledger: read.ledger } : null;
  } catch {
    return null;
  }
}

function countOpen({ findings }: LedgerView): number {
  return findings.filter(({ state }) => state === 'open').length;
}

async function outcomeOf(review: TargetReview, progress: Progress): Promise<RowOutcome> {
  try {
    return await run(review, progress);
  } catch (error) {
    const { spent } = progress;
    if (isCancellation(error)) return { status: 'notReviewed', reason: 'cancelled', spent };
    const { code, message } = toStepFailure(error);
    return { status: 'failed', code, message, spent };
  }
}

async function run(review: TargetReview, progress: Progress): Promise<RowOutcome> {
  const opened = await open(review);
  if (opened.type !== 'opened') return { status: 'skipped', reason: opened.type, head: opened.head };
  const texts: string[] = [];
  for (const [number, part] of opened.parts.entries()) {
    const said = await look(review, opened, part, number, progress);
    if (said.type === 'ended') return said.outcome;
    texts.push(said.text);
  }
  const { runId, targetId, target } = review;
  const { cwd, host, base, head, full, rulesId, model, filesLeftOut, leftOut, known, parts } = opened;
  const asked = parts.map((part) => part.known ?? []);
  const concluded = await concludeTarget.executeWithOptions(
    { ...concluding, ...placeOn(host), summary: `ledger: ${texts.length} answers` },
    [
      {
        ...place(review),
        ...{ runId, targetId, target, ...passes(review) },
        ...{ cwd, base, head, full, rulesId, model, texts, filesLeftOut, known },
        ...(parts.some((part) => part.known !== undefined) ? { asked } : {}),
      },
    ],
  );
  if (concluded.type === 'aborted') return { status: 'notReviewed', reason: 'cancelled', spent: progress.spent };
  const { counts } = concluded;
  const files = { filesLeftOut, ...(leftOut === undefined || leftOut.length === 0 ? {} : { leftOut }) };
  return { status: 'reviewed', base, head, full, counts, ...files, spent: progress.spent };
}

function passes({ fullPassEvery, fullPass }: TargetReview) {
  return { fullPassEvery, ...(fullPass === true ? { fullPass } : {}) };
}

/** The host that has fetched the target; earlier releases named none. */
function placeOn(host: string | undefined): { taskQueue?: string } {
  return host === undefined ? {} : { taskQueue: toHostQueue(workflowInfo().taskQueue, host) };
}

const place = ({ runId }: TargetReview) => ({ threadId: `${BATCH_PREFIX}${runId}`, actionId: 'target' });

/** Waits for another run of the same target, so that its findings are not found twice. */
async function open(review: TargetReview): Promise<Exclude<OpenedTarget, { type: 'busy' | 'aborted' }>> {
  const { runId, targetId, target, model, instructions } = review;
  for (let pause = BUSY_MS.first; ; pause = Math.min(pause * 2, BUSY_MS.longest)) {
    const opened = await openTarget.executeWithOptions(
      { ...opening, summary: firstLine(`open: ${withoutSecrets(target.repository)}`, SUMMARY_CHARS) },
      [
        {
          ...place(review),
          workflowId: workflowInfo().workflowId,
          ...{ runId, targetId, target, ...passes(review), model, instructions },
        },
      ],
    );
    if (opened.type === 'aborted') await CancellationScope.current().cancelRequested;
    else if (opened.type !== 'busy') return opened;
    await sleep(pause, { summary: 'another run of this target' });
  }
}

type Said = { type: 'said'; text: string } | { type: 'ended'; outcome: RowOutcome };

/** One part, in a thread with the rubric for its role, a read-only sandbox and nobody to ask. */
async function look(
  review: TargetReview,
  { cwd, host, head, model, parts, isThere, rules = '' }: Extract<OpenedTarget, { type: 'opened' }>,
  part: TargetPart,
  number: number,
  progress: Progress,
): Promise<Said> {
  const { runId, batchId, target, agentIdentity } = review;
  const threadId = parts.length === 1 ? runId : `${runId}/${number}`;
  const start: StartThread = {
    threadId,
    workspace: host === undefined ? { cwd } : { cwd, host },
    title: toTargetSummary(target),
    model,
    instructions: rules,
    approvalPolicy: 'never',
    sandbox: 'read-only',
    ...(agentIdentity === null ? {} : { agentIdentity }),
    unattended: { approvals: 'decline' },
    budget: { thread: leftOf(review.limits, progress.spent) },
    parent: {
      ...{ threadId: batchId, path: [batchId], role: 'review', reports: 'result' },
      ...(isThere === true ? { head } : {}),
    },
    firstTurn: { turnId: 'review', kind: CONVERSATION, input: [{ type: 'text', text: part.prompt }] },
  };
  const result = await executeChild<(start: StartThread) => Promise<ThreadResult>>('thread', {
    workflowId: toWorkflowId(threadId),
    args: [start],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: words(toTargetSummary(target), SUMMARY_CHARS),
    memo: { title: toTargetSummary(target), cwd },
  });
  return toSaid(result, progress);
}

function toSaid(result: ThreadResult, progress: Progress): Said {
  const failed = (code: string, message: string): Said => {
    return { type: 'ended', outcome: { status: 'failed', code, message, spent: progress.spent } };
  };
  if (result.status === 'refused') return failed(WORKFLOW_CODES.reviewNotStarted, result.reason);
  const { turn, spent } = result.outcome ?? { turn: null, spent: NOTHING_SPENT };
  progress.spent = plus(progress.spent, spent);
  const stopped = (reason: 'budget' | 'cancelled'): Said => {
    return { type: 'ended', outcome: { status: 'notReviewed', reason, spent: progress.spent } };
  };
  if (CancellationScope.current().consideredCancelled) return stopped('cancelled');
  if (turn === null)
    return failed(WORKFLOW_CODES.reviewThreadLost, `Thread ${result.threadId} was closed before it said anything.`);
  switch (turn.status) {
    case 'completed':
      return { type: 'said', text: turn.lastAgentMessage ?? '' };
    case 'failed':
      return failed(turn.error.code, turn.error.message);
    case 'aborted':
      return turn.reason === 'budgetLimited'
        ? stopped('budget')
        : failed(
            WORKFLOW_CODES.reviewThreadLost,
            `Thread ${result.threadId} was stopped (${turn.reason}), and not by its batch.`,
          );
  }
}

/** A ledger that does not exist has no run to give up. */
async function abandon({ targetId, runId }: TargetReview, reason: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(toLedgerWorkflowId(targetId)).signal('abandonRun', { runId, reason });
  } catch {
    // The ledger was never asked for anything.
  }
}
