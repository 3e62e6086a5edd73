/** One finding on the page: folded it is one line, open it has everything. */
import type { LedgerMoment } from '../../contract/index.ts';
import { toLine } from '../foreign-text.ts';
import { toMinute } from '../outcome.ts';
import type { ReportedFinding } from '../selection.ts';
import { toCodeLines } from './code.ts';
import { type Markup, html, trusted } from './markup.ts';
import { toProse } from './prose.ts';

export function toFinding(reported: ReportedFinding, targetName: string | null, isOpen: boolean): Markup {
  const { finding } = reported;
  const { title, priority, location, body, code } = finding;
  const label = priority === null ? 'P–' : `P${priority}`;
  const kind = kindOf(reported);
  return html`<details
    class="finding"
    data-state="${finding.state}"
    data-kind="${kind}"
    ${isOpen ? trusted(' open') : null}
  >
    <summary>
      <span class="priority p${priority ?? 'none'}">${label}</span
      ><span class="words"
        ><bdi class="title">${toLine(title, 300) || 'A finding without words'}</bdi>
        ${kind === 'known' ? null : html`<span class="tag ${kind}">${kind}</span>`}<span class="place"
          >${targetName === null ? null : html`<bdi>${targetName}</bdi>`}${
            location === null
              ? null
              : html`<bdi class="path">${toLine(location.path, 1_000)}:${toLines(location)}</bdi>`
          }</span
        ></span
      >
    </summary>
    <div class="body">
      ${toProse(body)} ${code === null || code.text === '' ? null : toCodeLines(code, location)} ${toFacts(reported)}
    </div>
  </details>`;
}

type Kind = 'new' | 'reopened' | 'known' | 'fixed' | 'dismissed';

function kindOf({ finding, change }: ReportedFinding): Kind {
  if (finding.state !== 'open') return finding.state;
  return change === 'new' || change === 'reopened' ? change : 'known';
}

function toLines({ startLine, endLine }: { startLine: number; endLine: number }): string {
  return startLine === endLine ? String(startLine) : `${startLine}–${endLine}`;
}

function toFacts({ finding }: ReportedFinding): Markup {
  const { firstSeen, lastSeen, fixed, dismissal, reopenings, confidenceScore, findingId } = finding;
  return html`<dl class="facts">
    ${toFact('First seen', toMoment(firstSeen))}${lastSeen.runId === firstSeen.runId ? null : toFact('Last seen', toMoment(lastSeen))}
    ${fixed === null || finding.state !== 'fixed' ? null : toFact('Fixed', toMoment(fixed))}
    ${dismissal === null ? null : toFact('Dismissed', html`${toMinute(dismissal.at)} by <bdi>${toLine(dismissal.by, 200)}</bdi>: <bdi>${toLine(dismissal.why, 2_000)}</bdi>`)}
    ${reopenings === 0 ? null : toFact('Came back', html`${reopenings}×`)}${confidenceScore === null ? null : toFact('Confidence', html`${Math.round(confidenceScore * 100)} %`)}${toFact('Id', html`<code>${findingId}</code>`)}
  </dl>`;
}

function toFact(name: string, value: Markup): Markup {
  return html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;
}

function toMoment({ at, head }: LedgerMoment): Markup {
  return html`${toMinute(at)} at <code>${toLine(head.slice(0, 10), 10)}</code>`;
}
