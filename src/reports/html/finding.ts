/** One finding on the page: one line when folded, everything when open. */
import type { LedgerMoment } from '../../contract/index.ts';
import { toPriorityWord, toTitle } from '../finding-words.ts';
import { toLine, toName } from '../foreign-text.ts';
import { toMinute } from '../outcome.ts';
import type { ReportedFinding } from '../selection.ts';
import { toCodeLines } from './code.ts';
import { type Markup, markup, trusted } from './markup.ts';
import { toProse } from './prose.ts';

export function toFinding(reported: ReportedFinding, targetName: string | null, isOpen: boolean): Markup {
  const { priority, location, body, code, state } = reported.finding;
  const kind = kindOf(reported);
  return markup`<details class="finding" data-state="${state}"${trusted(isOpen ? ' open' : '')}>
<summary>
<span class="priority p${priority ?? 'none'}">${toPriorityWord(reported.finding)}</span>
<span class="words">
<bdi class="title">${toLine(toTitle(reported.finding), 300)}</bdi>
${kind === null ? null : markup`<span class="tag ${kind}">${kind}</span>`}
<span class="place">
${targetName === null ? null : markup`<bdi>${targetName}</bdi>`}
${location === null ? null : markup`<bdi class="path">${toName(location.path, 1_000)}:${toLines(location)}</bdi>`}
</span>
</span>
</summary>
<div class="body">
${toProse(body)}
${code === null || code.text === '' ? null : toCodeLines(code, location)}
<dl class="facts">${toFacts(reported)}</dl>
</div>
</details>
`;
}

/** Null for a known finding that is still there. */
function kindOf({ finding, change }: ReportedFinding): 'new' | 'reopened' | 'fixed' | 'dismissed' | null {
  if (finding.state !== 'open') return finding.state;
  return change === 'new' || change === 'reopened' ? change : null;
}

function toLines({ startLine, endLine }: { startLine: number; endLine: number }): string {
  return startLine === endLine ? String(startLine) : `${startLine}–${endLine}`;
}

function toFacts({ finding }: ReportedFinding): Markup[] {
  const { firstSeen, lastSeen, fixed, dismissal, reopenings, confidenceScore, findingId, state } = finding;
  return [
    toFact('First seen', toMoment(firstSeen)),
    ...(lastSeen.runId === firstSeen.runId ? [] : [toFact('Last seen', toMoment(lastSeen))]),
    ...(fixed === null || state !== 'fixed' ? [] : [toFact('Fixed', toMoment(fixed))]),
    ...(dismissal === null ? [] : [toFact('Dismissed', toDismissal(dismissal))]),
    ...(reopenings === 0 ? [] : [toFact('Came back', markup`${reopenings}×`)]),
    ...(confidenceScore === null ? [] : [toFact('Confidence', markup`${Math.round(confidenceScore * 100)} %`)]),
    toFact('Id', markup`<code>${findingId}</code>`),
  ];
}

function toFact(name: string, value: Markup): Markup {
  return markup`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

function toDismissal({ at, by, why }: { at: number; by: string; why: string }): Markup {
  return markup`${toMinute(at)} by <bdi>${toLine(by, 200)}</bdi>: <bdi>${toLine(why, 2_000)}</bdi>`;
}

function toMoment({ at, head }: LedgerMoment): Markup {
  return markup`${toMinute(at)} at <code>${toLine(head.slice(0, 10), 10)}</code>`;
}
