/**
 * A batch of reviews as a value: its targets, their outcomes, and what happens next. Pure; the workflow around it
 * starts reviews and reports their ends.
 */
import { bytesOf, roomForWords } from '../../src/contract/plain/batch-size.ts';
import { withoutSecrets } from '../../src/contract/plain/repository-address.ts';
import type {
  BatchCounts,
  BatchRow,
  BatchTarget,
  BatchView,
  FindingCounts,
  LimitName,
  Limits,
  RowOutcome,
  RowsPage,
  Spent,
  StartBatch,
} from '../../src/contract/index.ts';
import { LEAST, LIMIT_NAMES, allOf, usedUp, plus, NOTHING_SPENT } from '../../src/contract/plain/amounts.ts';
import { pageOf } from '../thread/state/log.ts';
import { cutToBytes } from '../thread/state/waiting.ts';
import { toTargetId } from './target-id.ts';

export const BATCH_VERSION = 1;

/** Plain JSON; one run of the workflow carries it over to the next. Times are milliseconds since the epoch. */
export interface BatchState {
  version: typeof BATCH_VERSION;
  batchId: string;
  start: Omit<StartBatch, 'targets'>;
  targets: BatchTarget[];
  outcomes: RowOutcome[];
  startedAt: number;
  endedAt: number | null;
  /** The limits of the reviews under way, by row. */
  allotted: Record<number, Limits>;
  /** Start times of reviews within the last minute, oldest first. */
  begun: number[];
  spent: Spent;
  /** Bytes left for texts in rows; earlier releases leave it out. */
  room?: number;
  /** Set once no further review may begin. */
  cancelled: { reason: string | null } | null;
}

export const DEFAULTS = { concurrency: 4, fullPassEvery: 10 };
const MINUTE = 60_000;
/** Code units of an error, or of the names of files, in a row: one payload carries thousands of rows. */
const MESSAGE_CHARS = { few: 1_000, many: 100 };
const MANY = 1_000;

const NO_COUNTS: FindingCounts = { new: 0, unchanged: 0, reopened: 0, fixed: 0, dismissed: 0 };

/**
 * @param faults why a target cannot be reviewed, by its place in the list. Such a target is a failed row from the
 * start. A secret in its address stays in the argument and is not copied.
 */
export function newBatch(
  batchId: string,
  { targets, ...start }: StartBatch,
  at: number,
  faults: readonly (string | null)[] = [],
): BatchState {
  const seen = new Set<string>();
  const outcomes = targets.map((target, index): RowOutcome => {
    const fault = faults[index] ?? null;
    if (fault !== null) return refused(index, fault);
    const before = seen.size;
    const isFirst = seen.add(toTargetId(target)).size > before;
    return isFirst ? { status: 'waiting' } : { status: 'skipped', reason: 'duplicate', head: null };
  });
  return {
    ...{ version: BATCH_VERSION, batchId, start, outcomes, startedAt: at, endedAt: null },
    targets: targets.map((target, index) => (faults[index] == null ? target : withoutSecretsIn(target))),
    ...{ allotted: {}, begun: [], spent: NOTHING_SPENT, cancelled: null },
  };
}

function refused(index: number, fault: string): RowOutcome {
  const message = `The address of target ${index} cannot be used: ${fault}. Store the batch with another address.`;
  return { status: 'failed', code: 'reviewTargetRefused', message, spent: null };
}

function withoutSecretsIn(target: BatchTarget): BatchTarget {
  return { ...target, repository: withoutSecrets(target.repository) };
}

// ----------------------------------------------------------------------------------------------------- what is next

export type Next =
  /** A review of that row, with these limits. */
  | { type: 'begin'; index: number; limits: Limits }
  /** Wait until a review has ended, or until that time. */
  | { type: 'wait'; until: number | null; for: 'rate' | 'reviews' }
  /** Nothing is left to begin, and nothing runs. */
  | { type: 'end' };

export function next(state: BatchState, at: number): Next {
  const running = indexesOf(state, 'running').length;
  const index = state.outcomes.findIndex(({ status }) => status === 'waiting');
  if (index === -1) return running === 0 ? { type: 'end' } : { type: 'wait', until: null, for: 'reviews' };
  if (running >= (state.start.concurrency ?? DEFAULTS.concurrency))
    return { type: 'wait', until: null, for: 'reviews' };
  const due = nextStart(state, at);
  if (due !== null) return { type: 'wait', until: due, for: 'rate' };
  const limits = allot(state, running);
  return limits === null ? { type: 'wait', until: null, for: 'reviews' } : { type: 'begin', index, limits };
}

/** The time when the rate allows another review; null for now. */
function nextStart({ begun, start }: BatchState, at: number): number | null {
  const most = start.reviewsPerMinute;
  if (most === undefined) return null;
  const recent = begun.filter((time) => time > at - MINUTE);
  return recent.length < most ? null : (recent[recent.length - most] ?? at) + MINUTE;
}

/**
 * The limits of the next review: its own limit, within what the other reviews leave of the batch's; without its own, an
 * equal part of the rest for each review that may run. Null if the rest is held for running reviews.
 */
function allot(state: BatchState, running: number): Limits | null {
  const { review = {}, batch = {} } = state.start.budget ?? {};
  const free = Math.max(1, (state.start.concurrency ?? DEFAULTS.concurrency) - running);
  const limits: Limits = { ...review };
  for (const name of LIMIT_NAMES) {
    const most = batch[name];
    if (most === undefined) continue;
    const held = Object.values(state.allotted).reduce((sum, one) => sum + (one[name] ?? 0), 0);
    const left = most - usedUp(state.spent, name) - held;
    const least = LEAST[name];
    if (left < least) return null;
    limits[name] = Math.max(least, Math.min(review[name] ?? wholeOf(name, left / free), left));
  }
  return limits;
}

const wholeOf = (name: LimitName, amount: number) => (name === 'costUsd' ? amount : Math.floor(amount));

/** Ends all waiting rows if no review runs and the batch has no budget left for another one. */
export function settle(state: BatchState): BatchState {
  if (indexesOf(state, 'running').length > 0 || allot(state, 0) !== null) return state;
  return endWaiting(state, { status: 'notReviewed', reason: 'budget', spent: null });
}

// ------------------------------------------------------------------------------------------------- what has happened

export function begin(state: BatchState, index: number, limits: Limits, at: number): BatchState {
  const begun = [...state.begun.filter((time) => time > at - MINUTE), at];
  return {
    ...withOutcome(state, index, { status: 'running' }),
    begun,
    allotted: { ...state.allotted, [index]: limits },
  };
}

export function end(state: BatchState, index: number, outcome: RowOutcome): BatchState {
  const spent = 'spent' in outcome && outcome.spent !== null ? outcome.spent : NOTHING_SPENT;
  const { [index]: _, ...allotted } = state.allotted;
  const { room = roomOf(state), targets } = state;
  const kept = bounded(targets.length, room, outcome);
  const left = room - bytesOfWords(kept);
  return { ...withOutcome(state, index, kept), allotted, spent: plus(state.spent, spent), room: left };
}

/** What a review spent that was lost with its account of it; null if that is not limited. It may be all that it was given. */
export function spentByLost(limits: Limits, known: Spent = NOTHING_SPENT): Spent | null {
  return Object.keys(limits).length === 0 ? null : allOf(limits, known);
}

/** The message in the row of such a review. */
export function toChargedMessage(message: string): string {
  return `${message.replace(/\.$/, '')}. What it spent is not known, so all of its budget is charged.`;
}

export function cancel(state: BatchState, reason: string | null): BatchState {
  if (state.cancelled !== null) return state;
  const cancelled = { ...state, cancelled: { reason } };
  return endWaiting(cancelled, { status: 'notReviewed', reason: 'cancelled', spent: null });
}

export function finish(state: BatchState, at: number): BatchState {
  return { ...state, endedAt: at };
}

function endWaiting(state: BatchState, outcome: RowOutcome): BatchState {
  return { ...state, outcomes: state.outcomes.map((one) => (one.status === 'waiting' ? outcome : one)) };
}

function withOutcome(state: BatchState, index: number, outcome: RowOutcome): BatchState {
  return { ...state, outcomes: state.outcomes.with(index, outcome) };
}

/** Cuts the texts of a row to a quarter of the remaining room, so that later rows have some, too. */
function bounded(targets: number, room: number, outcome: RowOutcome): RowOutcome {
  const isMany = targets > MANY;
  const most = Math.max(0, Math.min(isMany ? MESSAGE_CHARS.many : MESSAGE_CHARS.few, Math.floor(room / 4)));
  if (outcome.status === 'failed') return { ...outcome, message: cutToBytes(outcome.message.slice(0, most), most) };
  if (outcome.status !== 'reviewed' || outcome.leftOut === undefined) return outcome;
  const { leftOut, ...rest } = outcome;
  let left = isMany ? 0 : most;
  const named = leftOut.filter((file) => (left -= bytesOf(file)) >= 0);
  return named.length === 0 ? rest : { ...rest, leftOut: named };
}

function bytesOfWords(outcome: RowOutcome): number {
  if (outcome.status === 'failed') return bytesOf(outcome.message);
  return outcome.status === 'reviewed' && outcome.leftOut !== undefined ? bytesOf(outcome.leftOut) : 0;
}

/** For a batch that an earlier release began. */
function roomOf({ start, targets, outcomes }: BatchState): number {
  return outcomes.reduce((room, outcome) => room - bytesOfWords(outcome), roomForWords({ ...start, targets }));
}

export function indexesOf({ outcomes }: BatchState, status: RowOutcome['status']): number[] {
  return outcomes.flatMap((outcome, index) => (outcome.status === status ? [index] : []));
}

// ------------------------------------------------------------------------------------------------------ what is told

/** Every target that could be reviewed failed: something is wrong with the batch, not with a target. */
export function isInVain(state: BatchState): boolean {
  const counts = countOutcomes(state);
  return counts.failed > 0 && counts.reviewed + counts.skipped + counts.notReviewed === 0;
}

export function toView(state: BatchState, waitsFor: BatchView['waitsFor']): BatchView {
  const { batchId, startedAt, endedAt, cancelled, spent } = state;
  const findings = state.outcomes.reduce(
    (sum, outcome) => (outcome.status === 'reviewed' ? addCounts(sum, outcome.counts) : sum),
    NO_COUNTS,
  );
  return {
    ...{ batchId, status: statusOf(state), startedAt, endedAt, counts: countOutcomes(state), findings, spent },
    ...countOpen(state),
    ...{ waitsFor, running: indexesOf(state, 'running'), reason: cancelled?.reason ?? null },
  };
}

function statusOf({ endedAt, cancelled }: BatchState): BatchView['status'] {
  if (endedAt === null) return cancelled === null ? 'running' : 'cancelling';
  return cancelled === null ? 'completed' : 'cancelled';
}

function countOutcomes({ outcomes }: BatchState): BatchCounts {
  const counts: BatchCounts = { waiting: 0, running: 0, reviewed: 0, skipped: 0, notReviewed: 0, failed: 0 };
  for (const { status } of outcomes) counts[status]++;
  return counts;
}

/** Rows of earlier releases do not have the count. */
function countOpen({ outcomes }: BatchState): Pick<BatchView, 'open'> {
  const known = outcomes.flatMap(({ open }) => open ?? []);
  return known.length === 0 ? {} : { open: known.reduce((sum, count) => sum + count, 0) };
}

function addCounts(a: FindingCounts, b: FindingCounts): FindingCounts {
  return {
    new: a.new + b.new,
    unchanged: a.unchanged + b.unchanged,
    reopened: a.reopened + b.reopened,
    fixed: a.fixed + b.fixed,
    dismissed: a.dismissed + b.dismissed,
  };
}

export function toRow({ targets, outcomes }: BatchState, index: number): BatchRow | null {
  const target = targets[index];
  const outcome = outcomes[index];
  return target === undefined || outcome === undefined
    ? null
    : { index, targetId: toTargetId(target), target: withoutSecretsIn(target), outcome };
}

export function toRowsPage(state: BatchState, after: number, limit: number): RowsPage {
  const count = Math.max(0, Math.min(limit, state.targets.length - after));
  const indexes = Array.from({ length: count }, (_, offset) => after + offset);
  const rows = pageOf(indexes.flatMap((index) => toRow(state, index) ?? []));
  const next = after + rows.length;
  return { rows, next, more: next < state.targets.length };
}
