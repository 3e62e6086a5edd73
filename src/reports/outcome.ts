/** The result of a target as text. */
import type { BatchRow, RowOutcome, SkipReason } from '../contract/index.ts';
import { toLine, toName } from './foreign-text.ts';
import { plural } from '../contract/plain/plural.ts';

export interface OutcomeWords {
  label: string;
  /** One line; may be empty. */
  detail: string;
}

const MAX_MESSAGE_CHARS = 300;

const SKIPPED: Record<SkipReason, string> = {
  alreadyReviewed: 'this state was reviewed before, by the same rules',
  duplicate: 'it stands further up in the list, too',
};

const NOT_REVIEWED = {
  budget: 'the budget of the batch was used up before it',
  cancelled: 'the batch was cancelled before it was done',
};

export function describeOutcome(outcome: RowOutcome): OutcomeWords {
  switch (outcome.status) {
    case 'waiting':
      return { label: 'waiting', detail: 'its review has not begun' };
    case 'running':
      return { label: 'running', detail: 'its review has not ended' };
    case 'reviewed':
      return { label: 'reviewed', detail: describeReview(outcome) };
    case 'skipped':
      return { label: 'skipped', detail: SKIPPED[outcome.reason] };
    case 'notReviewed':
      return { label: 'not reviewed', detail: NOT_REVIEWED[outcome.reason] };
    case 'failed':
      return { label: 'failed', detail: `${toLine(outcome.code, 80)}: ${toLine(outcome.message, MAX_MESSAGE_CHARS)}` };
  }
}

function describeReview(outcome: Extract<RowOutcome, { status: 'reviewed' }>): string {
  const range = `${outcome.base.slice(0, 10)}..${outcome.head.slice(0, 10)}`;
  const leftOut = describeLeftOut(outcome);
  return `${range}, ${outcome.full ? 'everything' : 'what is new'}${leftOut === '' ? '' : `; ${leftOut}`}`;
}

const MAX_NAME_CHARS = 200;
const MAX_WHY_CHARS = 100;

/** `1 file was not looked at: logo.png (binary)`; empty if there is none. Rows contain only the first names. */
export function describeLeftOut({ filesLeftOut, leftOut = [] }: Extract<RowOutcome, { status: 'reviewed' }>): string {
  if (filesLeftOut === 0) return '';
  const named = leftOut.map(({ path, why }) => `${toName(path, MAX_NAME_CHARS)} (${toLine(why, MAX_WHY_CHARS)})`);
  const more = filesLeftOut - named.length;
  const all = named.length === 0 || more === 0 ? named : [...named, `${more.toLocaleString('en')} more`];
  return `${plural(filesLeftOut, 'file was', 'files were')} not looked at${all.length === 0 ? '' : `: ${all.join(', ')}`}`;
}

/** Whether its review was requested and did not end, so that its findings are unknown. */
export function isUnknown({ outcome }: BatchRow): boolean {
  switch (outcome.status) {
    case 'waiting':
    case 'running':
    case 'notReviewed':
    case 'failed':
      return true;
    case 'reviewed':
    case 'skipped':
      return false;
  }
}

/** The commit of the report; null if unknown. */
export function headOf({ outcome }: BatchRow): string | null {
  return outcome.status === 'reviewed' || outcome.status === 'skipped' ? outcome.head : null;
}

/** Milliseconds since the epoch as `2026-11-21 03:00 UTC`. */
export function toMinute(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime())
    ? 'at an unknown time'
    : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
