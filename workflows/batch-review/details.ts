/** What a person sees of a batch in the Temporal UI. Its Markdown knows no tables. */
import type { BatchTarget, BatchView } from '../../src/contract/index.ts';

export function toTargetSummary({ repository, branch, base }: BatchTarget): string {
  const against = base === undefined ? '' : ` against ${base}`;
  const text = `review: ${repository}${branch === undefined ? '' : ` ${branch}`}${against}`;
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

export function toDetails(view: BatchView): string {
  const { status, counts, findings, spent, waitsFor, running } = view;
  const done = counts.reviewed + counts.skipped + counts.notReviewed + counts.failed;
  const all = done + counts.waiting + counts.running;
  const lines = [
    `**${status}**: ${done} of ${all} targets are done${waitsFor === 'rate' ? ', the next one waits for the rate limit' : ''}`,
    `- reviewed ${counts.reviewed}, skipped ${counts.skipped}, failed ${counts.failed}, not reviewed ${counts.notReviewed}`,
    `- findings: ${findings.new} new, ${findings.unchanged} still there, ${findings.reopened} reopened, ${findings.fixed} fixed`,
    `- used up: ${spent.tokens} tokens, $${(spent.costMicroUsd / 1_000_000).toFixed(4)}, ${spent.steps} model calls`,
  ];
  if (running.length > 0)
    lines.push(`- under way: rows ${running.slice(0, 20).join(', ')}${running.length > 20 ? ', ...' : ''}`);
  return lines.join('\n');
}
