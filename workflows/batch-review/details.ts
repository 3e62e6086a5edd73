/** The details of a batch in the Temporal UI, whose Markdown has no tables. */
import { withoutSecrets } from '../../src/contract/plain/repository-address.ts';
import type { BatchTarget, BatchView } from '../../src/contract/index.ts';
import { codeSpan, firstLine } from '../sandbox/plain-text.ts';
import { type BatchState, indexesOf, toView } from './batch.ts';
import { toDollars } from '../../src/contract/plain/words/amount-words.ts';
import { plural } from '../../src/contract/plain/plural.ts';

/** For the line that describes a workflow or a step. */
export const SUMMARY_CHARS = 200;
const NAME_CHARS = 100;
const MESSAGE_CHARS = 200;
/** Targets that are listed, of those under way and of those that failed. */
const SHOWN = 8;

export function toTargetSummary(target: BatchTarget): string {
  return firstLine(`review: ${toName(target)}`, SUMMARY_CHARS);
}

function toName({ repository, branch, base, host }: BatchTarget): string {
  return `${withoutSecrets(repository)}${branch === undefined ? '' : ` ${branch}`}${base === undefined ? '' : ` against ${base}`}${host === undefined ? '' : ` on host ${host}`}`;
}

export function toDetails(state: BatchState, waitsFor: BatchView['waitsFor']): string {
  const { status, counts, findings, spent, running, reason } = toView(state, waitsFor);
  const done = counts.reviewed + counts.skipped + counts.notReviewed + counts.failed;
  const all = done + counts.waiting + counts.running;
  const waits = waitsFor === 'rate' ? ', the next one waits for the rate limit' : '';
  const why = reason === null ? '' : `, ${codeSpan(reason, MESSAGE_CHARS)}`;
  return [
    `**${status}**: ${done} of ${plural(all, 'target is', 'targets are')} done${waits}${why}`,
    `- reviewed ${counts.reviewed}, skipped ${counts.skipped}, failed ${counts.failed}, not reviewed ${counts.notReviewed}`,
    `- findings: ${findings.new} new, ${findings.unchanged} still there, ${findings.reopened} reopened, ${findings.fixed} fixed`,
    `- used up: ${plural(spent.tokens, 'token')}, ${codeSpan(toDollars(spent.costMicroUsd), NAME_CHARS)}, ${plural(spent.steps, 'model call')}`,
    ...some('under way', running, (index) => nameOf(state, index)),
    ...some('failed', indexesOf(state, 'failed'), (index) => `${nameOf(state, index)} ${failureOf(state, index)}`),
  ].join('\n');
}

function some(what: string, indexes: readonly number[], describe: (index: number) => string): string[] {
  if (indexes.length === 0) return [];
  const more = indexes.length - SHOWN;
  const lines = indexes.slice(0, SHOWN).map((index) => `  - ${describe(index)}`);
  return [`- ${what}:`, ...lines, ...(more > 0 ? [`  - and ${more} more`] : [])];
}

function nameOf({ targets }: BatchState, index: number): string {
  const target = targets[index];
  return target === undefined ? `row ${index}` : codeSpan(toName(target), NAME_CHARS);
}

function failureOf({ outcomes }: BatchState, index: number): string {
  const outcome = outcomes[index];
  return outcome?.status === 'failed'
    ? `${codeSpan(outcome.code, NAME_CHARS)} ${codeSpan(outcome.message, MESSAGE_CHARS)}`
    : '';
}
