/**
 * One firing of a batch: a window of reviews moves over its targets. It continues as new between reviews, so the run
 * that began a review also sees its end.
 */
import {
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  ParentClosePolicy,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { bytesOf, describeTooLarge, isTooLarge } from '../../src/contract/plain/batch-size.ts';
import { WORKFLOW_CODES } from '../../src/contract/plain/workflow-codes.ts';
import type {
  BatchResult,
  BatchTarget,
  BatchView,
  Limits,
  RowOutcome,
  RowsPage,
  StartBatch,
  TargetReview,
} from '../../src/contract/index.ts';
import { UnknownStateVersion, isContinued } from '../sandbox/carried-state.ts';
import { fields, maybe, parse, wholeNumber } from '../sandbox/value-readers.ts';
import { WORKFLOW_TASK_TIMEOUT } from '../sandbox/task-timeout.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import {
  BATCH_VERSION,
  type BatchState,
  DEFAULTS,
  begin,
  cancel,
  end,
  finish,
  isInVain,
  newBatch,
  next,
  settle,
  spentByLost,
  toChargedMessage,
  toRowsPage,
  toView,
} from './batch.ts';
import { SUMMARY_CHARS, toDetails, toTargetSummary } from './details.ts';
import { faultsOf, parseStartBatch } from './guards.ts';
import { PACKED_VERSION, type PackedBatch, isLarge, pack, unpack } from './packed.ts';
import { BATCH_PREFIX } from '../../src/contract/plain/workflow-ids.ts';
import { batchQuery, closedBatchQuery, closedRowsQuery, rowsQuery } from './messages.ts';
import type { targetReview } from './target-review.ts';
import { toTargetId } from './target-id.ts';
import { words } from '../sandbox/plain-text.ts';

/** The carry-over from one run to the next. */
interface CarriedBatch {
  carriedBatch: BatchState | PackedBatch;
}

interface Host {
  state: BatchState;
  waitsFor: BatchView['waitsFor'];
  /** Incremented by every event. */
  happened: number;
  /** For the reviews under way, by row. */
  scopes: Map<number, CancellationScope>;
}

/**
 * Events of a run's history, far below the number at which the service suggests a new run: each review adds about ten.
 */
const EVENTS_PER_RUN = 2_000;
const PAGE = { limit: 100, most: 500 };

export async function batchReview(argument: unknown): Promise<BatchResult> {
  const host: Host = { state: openState(argument), waitsFor: null, happened: 0, scopes: new Map() };
  register(host);
  const { cancelRequested } = CancellationScope.current();
  const cancelled = cancelRequested.catch((error: unknown) => {
    stopAll(host);
    throw error;
  });
  cancelled.catch(() => undefined);
  const result = await CancellationScope.nonCancellable(() => run(host));
  // A cancelled batch must end as cancelled: its rows have its results.
  if (host.state.cancelled !== null) await cancelled;
  if (isInVain(host.state)) throw inVain(host.state, result);
  return result;
}

/** An unusable argument fails the workflow: a Schedule that starts it must notice, and pause if configured to. */
function openState(argument: unknown): BatchState {
  const { workflowId, startTime } = workflowInfo();
  if (isContinued() && typeof argument === 'object' && argument !== null && 'carriedBatch' in argument)
    return fromCarriedBatch(argument as CarriedBatch);
  const batchId = workflowId.startsWith(BATCH_PREFIX) ? workflowId.slice(BATCH_PREFIX.length) : workflowId;
  const parsed = parseStartBatch(argument);
  const tooLarge = parsed.ok && isTooLarge(parsed.value) && patched('refuse-large-batches');
  if (parsed.ok && !tooLarge)
    return newBatch(batchId, withFewer(parsed.value), startTime.getTime(), unusableOf(parsed.value.targets));
  const reason = parsed.ok ? describeTooLarge(parsed.value) : parsed.reason;
  const message = `The argument of batch ${batchId} cannot be used: ${reason}`;
  throw ApplicationFailure.nonRetryable(message, 'batchRefused');
}

/** Bytes of instructions that one workflow task may give to new reviews: the service accepts 4 MiB. */
const BEGUN_BYTES = 2_000_000;

/** Limits the parallel reviews to the number that one workflow task can begin. */
function withFewer(batch: StartBatch): StartBatch {
  const { concurrency = DEFAULTS.concurrency, instructions = '' } = batch;
  const most = Math.max(1, Math.floor(BEGUN_BYTES / bytesOf(instructions)));
  return concurrency > most && patched('fewer-at-once') ? { ...batch, concurrency: most } : batch;
}

/** A batch from before addresses were checked has a child for each of its targets. */
function unusableOf(targets: readonly BatchTarget[]): (string | null)[] {
  const faults = faultsOf(targets);
  return faults.some((fault) => fault !== null) && patched('refuse-addresses') ? faults : [];
}

/** @throws UnknownStateVersion */
function fromCarriedBatch({ carriedBatch }: CarriedBatch): BatchState {
  const version = (carriedBatch as CarriedBatch['carriedBatch'] | null)?.version;
  if (version === PACKED_VERSION) return unpack(carriedBatch as PackedBatch);
  if (version !== BATCH_VERSION) throw new UnknownStateVersion('batch', version, PACKED_VERSION);
  return carriedBatch as BatchState;
}

function inVain({ batchId, outcomes }: BatchState, result: BatchResult): ApplicationFailure {
  const first = outcomes.find((outcome) => outcome.status === 'failed');
  const why = first === undefined ? '' : ` The first: [${first.code}] ${first.message}`;
  return ApplicationFailure.nonRetryable(
    `Every target of batch ${batchId} failed.${why}`,
    WORKFLOW_CODES.batchFailed,
    result,
  );
}

function register(host: Host): void {
  const view = () => toView(host.state, host.waitsFor);
  const rows = (asked: unknown) => readRows(host.state, asked);
  setHandler(batchQuery, view, { description: 'How far it is, and what it found' });
  setHandler(rowsQuery, rows, { description: 'What became of each target: { "after": 0, "limit": 100 }' });
  setHandler(closedBatchQuery, view, { description: 'The same of a batch that has ended' });
  setHandler(closedRowsQuery, rows, { description: 'The same of a batch that has ended' });
}

function readRows(state: BatchState, asked: unknown): RowsPage {
  const read = parse(() => {
    const from = fields(asked ?? {}, 'rows');
    return {
      ...{ after: 0, limit: PAGE.limit },
      ...maybe(from, 'after', (v, name) => wholeNumber(v, name, 0)),
      ...maybe(from, 'limit', (v, name) => wholeNumber(v, name, 1, PAGE.most)),
    };
  });
  if (!read.ok) throw new Error(`malformed: ${read.reason}`);
  return toRowsPage(state, read.value.after, read.value.limit);
}

function change(host: Host, state: BatchState): void {
  host.state = state;
  host.happened++;
}

function stopAll(host: Host): void {
  change(host, cancel(host.state, 'the workflow was cancelled'));
  for (const scope of host.scopes.values()) scope.cancel();
}

async function run(host: Host): Promise<BatchResult> {
  for (;;) {
    change(host, settle(host.state));
    const step = next(host.state, Date.now());
    host.waitsFor = step.type === 'wait' ? step.for : null;
    setCurrentDetails(toDetails(host.state, host.waitsFor));
    if (step.type === 'end') return conclude(host);
    if (step.type === 'wait') await wait(host, step.until);
    else if (isRunLong()) await goOnAsNew(host);
    else start(host, step.index, step.limits);
  }
}

function conclude(host: Host): BatchResult {
  change(host, finish(host.state, Date.now()));
  const view = toView(host.state, null);
  setCurrentDetails(toDetails(host.state, null));
  const { batchId, status, counts, findings, open, spent, reason } = view;
  return { batchId, status, counts, findings, ...(open === undefined ? {} : { open }), spent, reason };
}

/** Waits until something happens, or until that time. */
async function wait(host: Host, until: number | null): Promise<void> {
  const seen = host.happened;
  const changed = () => host.happened !== seen;
  if (until === null) return condition(changed);
  await condition(changed, Math.max(1, until - Date.now()), { summary: 'reviews per minute' });
}

function isRunLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength >= EVENTS_PER_RUN || continueAsNewSuggested;
}

/** Continues as new after all running reviews have ended, so that the run that began a review also sees its end. */
async function goOnAsNew(host: Host): Promise<void> {
  await condition(() => host.scopes.size === 0);
  const { state } = host;
  if (state.cancelled !== null) return;
  const carried = isLarge(state) && patched('packed-batches') ? pack(state) : state;
  await continueAsNew<(argument: CarriedBatch) => Promise<BatchResult>>({ carriedBatch: carried });
}

function start(host: Host, index: number, limits: Limits): void {
  change(host, begin(host.state, index, limits, Date.now()));
  const scope = new CancellationScope({ cancellable: true });
  host.scopes.set(index, scope);
  void scope
    .run(() => review(host.state, index, limits))
    .then((outcome) => {
      host.scopes.delete(index);
      change(host, end(host.state, index, outcome));
    });
}

/** Every error becomes a row: this never throws. */
async function review(state: BatchState, index: number, limits: Limits): Promise<RowOutcome> {
  const { batchId, start: settings, targets } = state;
  const target = targets[index];
  if (target === undefined) throw new Error(`Batch ${batchId} has no target ${index}`);
  const { model, instructions, agentIdentity, fullPassEvery = DEFAULTS.fullPassEvery, fullPass } = settings;
  const runId = `${batchId}/${index}`;
  const argument: TargetReview = {
    ...{ runId, batchId, targetId: toTargetId(target), target, limits, fullPassEvery },
    ...(fullPass === true ? { fullPass } : {}),
    ...{ model: model ?? null, instructions: instructions ?? '', agentIdentity: agentIdentity ?? null },
  };
  try {
    return await executeChild<typeof targetReview>('targetReview', {
      workflowId: `${BATCH_PREFIX}${runId}`,
      args: [argument],
      // A child whose parent is gone stops properly.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
      staticSummary: words(toTargetSummary(target), SUMMARY_CHARS),
    });
  } catch (error) {
    if (isCancellation(error)) return { status: 'notReviewed', reason: 'cancelled', spent: null };
    const { code, message } = toStepFailure(error instanceof ChildWorkflowFailure ? error.cause : error);
    const lost = error instanceof ChildWorkflowFailure ? spentByLost(limits) : null;
    if (lost === null || !patched('charge-lost-reviews')) return { status: 'failed', code, message, spent: null };
    return { status: 'failed', code, message: toChargedMessage(message), spent: lost };
  }
}
