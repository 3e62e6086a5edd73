/**
 * The review of one target: its repository is cloned, its ledger decides what is new, a separate thread examines each
 * part of it, and the findings go to the ledger. Every error becomes the outcome of its row.
 */
import {
  ActivityFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  ParentClosePolicy,
  TimeoutFailure,
  executeChild,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { REVIEW_TURN } from '../../src/contract/plain/given-turns.ts';
import { CONVERSATION } from '../../src/contract/plain/turn-kinds.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import type {
  Activities,
  OpenedTarget,
  TargetConcluded,
  TargetConclusion,
  TargetPart,
} from '../../activities/contract.ts';
import type {
  ClosedLedger,
  FindingCounts,
  LedgerView,
  RowOutcome,
  Spent,
  StartThread,
  TargetReview,
  ThreadResult,
} from '../../src/contract/index.ts';
import { toHostQueue } from '../../src/contract/plain/hosts.ts';
import { leftOf, plus, NOTHING_SPENT } from '../../src/contract/plain/amounts.ts';
import { words } from '../sandbox/plain-text.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../sandbox/task-timeout.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { spentByLost, toChargedMessage } from './batch.ts';
import { SUMMARY_CHARS, toTargetSummary } from './details.ts';
import { toLedgerWorkflowId, toWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { parseTargetReview } from './guards.ts';
import { closedLedgerQuery } from './messages.ts';
import { STEP_OPTIONS, beginOf, open, passesOf, placeOf } from './open-target.ts';

const concluding = { ...STEP_OPTIONS, startToCloseTimeout: '30m' } as const;
const { concludeTarget } = proxyActivities<Activities>(concluding);
const reading = { ...STEP_OPTIONS, startToCloseTimeout: '5m' } as const;
const { readLedger } = proxyActivities<Activities>(reading);

type Opened = Extract<OpenedTarget, { type: 'opened' }>;

/** The progress of a review under way. */
interface Progress {
  spent: Spent;
  /** A thread was lost, and its whole budget counts as spent. */
  isCharged?: true;
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
    const read = await readLedger.executeWithOptions({ ...reading, summary }, [{ ...placeOf(review), targetId }]);
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
    const { spent, isCharged } = progress;
    if (isCancellation(error)) return { status: 'notReviewed', reason: 'cancelled', spent };
    const { code, message } = toStepFailure(error);
    return { status: 'failed', code, message: isCharged === true ? toChargedMessage(message) : message, spent };
  }
}

interface Away {
  status: 'hostAway';
  opened: Opened;
  message: string;
}

type Tried = RowOutcome | Away;

/** If the host that has opened the target is lost, it is tried once more, on another host. */
async function run(review: TargetReview, progress: Progress): Promise<RowOutcome> {
  const first = await tryTarget(review, '', progress);
  if (first.status !== 'hostAway') return first;
  const second = await tryAgain(review, first, progress);
  if (second.status !== 'hostAway') return second;
  return { status: 'failed', code: WORKFLOW_CODES.hostAway, message: second.message, spent: progress.spent };
}

async function tryAgain(review: TargetReview, first: Away, progress: Progress): Promise<Tried> {
  try {
    return await tryTarget(review, '/again', progress, first.opened);
  } catch (error) {
    const { code, message } = toStepFailure(error);
    if (code !== WORKFLOW_CODES.workspaceOnNoHost) throw error;
    return { ...first, message: `${first.message} It could not be tried again: ${message}` };
  }
}

/**
 * @param suffix of the ids of its threads
 * @param before what was opened on a host that was lost, perhaps after it had recorded the review
 */
async function tryTarget(review: TargetReview, suffix: string, progress: Progress, before?: Opened): Promise<Tried> {
  const opened = await open(review);
  if (opened.type !== 'opened') {
    const { type: reason, head, counts } = opened;
    const isRecorded = before !== undefined && counts !== undefined;
    return isRecorded ? toReviewed(before, counts, progress) : { status: 'skipped', reason, head };
  }
  const texts: string[] = [];
  for (const [number, part] of opened.parts.entries()) {
    const said = await look(review, opened, part, { number, suffix }, progress);
    if (said.type === 'ended') return isLost(said, opened) ? toAway(opened, said.outcome.message) : said.outcome;
    texts.push(said.text);
  }
  const { runId, targetId, target } = review;
  const { cwd, base, head, full, rulesId, model, filesLeftOut, known, parts } = opened;
  const asked = parts.map((part) => part.known ?? []);
  const concluded = await conclude(opened, texts.length, {
    ...placeOf(review),
    ...{ runId, targetId, target, ...passesOf(review), ...beginOf() },
    ...{ cwd, base, head, full, rulesId, model, texts, filesLeftOut, known },
    ...(parts.some((part) => part.known !== undefined) ? { asked } : {}),
  });
  if (concluded.type === 'away') return toAway(opened, concluded.message);
  if (concluded.type === 'aborted') return { status: 'notReviewed', reason: 'cancelled', spent: progress.spent };
  return toReviewed(opened, concluded.counts, progress);
}

function toReviewed(
  { base, head, full, filesLeftOut, leftOut }: Opened,
  counts: FindingCounts,
  { spent }: Progress,
): RowOutcome {
  const files = { filesLeftOut, ...(leftOut === undefined || leftOut.length === 0 ? {} : { leftOut }) };
  return { status: 'reviewed', base, head, full, counts, ...files, spent };
}

/** Targets that were opened by earlier releases wait for their host without end. */
const waitsFor = ({ host, hostGraceMs }: Opened): boolean => host !== undefined && hostGraceMs !== undefined;

/** The host was lost before the thread was opened, or later. */
function isLost(ended: Ended, opened: Opened): ended is Ended & { outcome: Failed } {
  const { outcome, refusal } = ended;
  if (outcome.status !== 'failed' || !waitsFor(opened)) return false;
  return refusal === WORKFLOW_CODES.workspaceOnNoHost || outcome.code === WORKFLOW_CODES.hostAway;
}

function toAway(opened: Opened, message: string): Away {
  return { status: 'hostAway', opened, message: `Host ${opened.host ?? ''} was lost: ${message}` };
}

async function conclude(
  opened: Opened,
  answers: number,
  conclusion: TargetConclusion,
): Promise<TargetConcluded | { type: 'away'; message: string }> {
  const { host, hostGraceMs } = opened;
  const waiting = hostGraceMs === undefined ? {} : { scheduleToStartTimeout: hostGraceMs };
  const place = host === undefined ? {} : { taskQueue: toHostQueue(workflowInfo().taskQueue, host), ...waiting };
  try {
    const summary = `ledger: ${answers} answers`;
    return await concludeTarget.executeWithOptions({ ...concluding, ...place, summary }, [conclusion]);
  } catch (error) {
    if (!waitsFor(opened) || !isNotTaken(error)) throw error;
    return { type: 'away', message: toStepFailure(error).message };
  }
}

function isNotTaken(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  return cause instanceof TimeoutFailure && cause.timeoutType === 'SCHEDULE_TO_START';
}

type Said = { type: 'said'; text: string } | Ended;

interface Ended {
  type: 'ended';
  outcome: RowOutcome;
  /** Why its thread was not opened; left out if it was. */
  refusal?: string;
}

type Failed = Extract<RowOutcome, { status: 'failed' }>;

/** One part, in a thread with the rubric for its role, a read-only sandbox and nobody to ask. */
async function look(
  review: TargetReview,
  { cwd, host, head, model, parts, isThere, rules = '' }: Opened,
  part: TargetPart,
  { number, suffix }: { number: number; suffix: string },
  progress: Progress,
): Promise<Said> {
  const { runId, batchId, target, agentIdentity } = review;
  const threadId = `${parts.length === 1 ? runId : `${runId}/${number}`}${suffix}`;
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
    firstTurn: { turnId: REVIEW_TURN, kind: CONVERSATION, input: [{ type: 'text', text: part.prompt }] },
  };
  const asked = executeChild<(start: StartThread) => Promise<ThreadResult>>('thread', {
    workflowId: toWorkflowId(threadId),
    args: [start],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
    staticSummary: words(toTargetSummary(target), SUMMARY_CHARS),
    memo: { title: toTargetSummary(target), cwd },
  });
  const result = await asked.catch((error: unknown) => {
    if (error instanceof ChildWorkflowFailure && !isCancellation(error)) charge(review, progress);
    throw error;
  });
  return toSaid(result, progress);
}

/** A thread that was terminated has no result: it may have spent all that it was given. */
function charge({ limits }: TargetReview, progress: Progress): void {
  const spent = spentByLost(limits, progress.spent);
  if (spent === null || !patched('charge-lost-reviews')) return;
  progress.spent = spent;
  progress.isCharged = true;
}

function toSaid(result: ThreadResult, progress: Progress): Said {
  const failed = (code: string, message: string): Ended => {
    return { type: 'ended', outcome: { status: 'failed', code, message, spent: progress.spent } };
  };
  const stopped = (reason: 'budget' | 'cancelled'): Said => {
    return { type: 'ended', outcome: { status: 'notReviewed', reason, spent: progress.spent } };
  };
  const isCancelled = CancellationScope.current().consideredCancelled;
  if (result.status === 'refused') {
    if (isCancelled) return stopped('cancelled');
    return { ...failed(WORKFLOW_CODES.reviewNotStarted, result.reason), refusal: codeOf(result) };
  }
  const { turn, spent } = result.outcome ?? { turn: null, spent: NOTHING_SPENT };
  progress.spent = plus(progress.spent, spent);
  if (isCancelled) return stopped('cancelled');
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

/** Threads of earlier releases have the code at a known place of their reason only: after their own id. */
function codeOf({ code, reason }: Extract<ThreadResult, { status: 'refused' }>): string {
  return code ?? /^Thread \S+ cannot be opened: (\w+): /.exec(reason)?.[1] ?? '';
}

/** A ledger that does not exist has no run to give up. */
async function abandon({ targetId, runId }: TargetReview, reason: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(toLedgerWorkflowId(targetId)).signal('abandonRun', { runId, reason });
  } catch {
    // The ledger was never asked for anything.
  }
}
