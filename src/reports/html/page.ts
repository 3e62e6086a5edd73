/**
 * The whole record as one page that needs nothing else: no script, no font, no image, no address. Its policy forbids a browser to
 * load or to run anything, whatever might slip through.
 */
import { type ReviewRecord, toDollars } from '../../contract/index.ts';
import { toLine } from '../foreign-text.ts';
import { isUnknown, plural, toMinute } from '../outcome.ts';
import { nameTargets } from '../repository.ts';
import { type ReportedFinding, type Selection, selectFindings } from '../selection.ts';
import { type TrendPoint, toTrend } from '../trend.ts';
import { toChart } from './chart.ts';
import { toFinding } from './finding.ts';
import { type Markup, html, toText, trusted } from './markup.ts';
import { STYLE } from './style.ts';
import { toTargets } from './targets.ts';

/** A page with more is too heavy for a phone; what is left out is counted. */
export const HTML_BOUNDS = { findings: 1_000, targets: 5_000, runs: 30, unfolded: 30 };

export function toHtml(record: ReviewRecord, only: Selection): string {
  const names = nameTargets(record.targets);
  const findings = selectFindings(record, only);
  const { batch } = record;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <meta name="color-scheme" content="light dark" />
        <title>Review ${batch.batchId}</title>
        <style>
          ${trusted(STYLE)}
        </style>
      </head>
      <body>
        <header>
          <p class="over">Review</p>
          <h1>${batch.batchId}</h1>
          <p class="under">${describeBatch(record)}</p>
        </header>
        <main>
          ${toTiles(record)} ${toTrendSection(toTrend(record, HTML_BOUNDS.runs))} ${toTargetsSection(record, names)}
          ${toFindingsSection(findings, names)}
        </main>
        <footer>Made by Bobbin, ${toMinute(record.at)}</footer>
      </body>
    </html> `;
  return toText(page);
}

function describeBatch({ batch, targets }: ReviewRecord): string {
  const end = batch.endedAt === null ? `begun ${toMinute(batch.startedAt)}` : toMinute(batch.endedAt);
  const reason = batch.reason === null ? '' : `: ${toLine(batch.reason, 500)}`;
  return `${batch.status}${reason} · ${end} · ${plural(targets.length, 'target', 'targets')}`;
}

function toTiles({ batch, targets }: ReviewRecord): Markup {
  const { findings, spent } = batch;
  const unknown = targets.filter(({ row }) => isUnknown(row)).length;
  const tiles: [name: string, value: string, kind: string][] = [
    ['new', toCount(findings.new), 'new'],
    ['came back', toCount(findings.reopened), 'reopened'],
    ['still there', toCount(findings.unchanged), 'open'],
    ['fixed', toCount(findings.fixed), 'fixed'],
    ['dismissed', toCount(findings.dismissed), 'dismissed'],
    ['not reviewed', toCount(unknown), unknown > 0 ? 'unknown' : ''],
    [plural(spent.tokens, 'token', 'tokens'), toDollars(spent.costMicroUsd), ''],
  ];
  return html`<ul class="tiles" aria-label="In short">
    ${tiles.map(([name, value, kind]) => html`<li class="tile ${kind}"><b>${value}</b> ${name}</li>`)}
  </ul>`;
}

function toCount(count: number): string {
  return count.toLocaleString('en');
}

function toTrendSection(points: readonly TrendPoint[]): Markup | null {
  if (points.length === 0) return null;
  return html`<section aria-labelledby="trend">
    <h2 id="trend">Trend</h2>
    ${toChart(points)}
    <details class="numbers">
      <summary>The same in numbers</summary>
      <div class="scroll" tabindex="0">
        <table>
          <thead>
            <tr>
              <th scope="col">Run</th>
              <th scope="col" class="number">Open</th>
              <th scope="col" class="number">New</th>
              <th scope="col" class="number">Fixed</th>
            </tr>
          </thead>
          <tbody>
            ${points.map(
              (point) =>
                html`<tr>
                  <th scope="row">${toMinute(point.at)}</th>
                  <td class="number">${point.open}</td>
                  <td class="number">${point.new}</td>
                  <td class="number">${point.fixed}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

/** Those of which nothing is known stand first. */
function toTargetsSection({ targets }: ReviewRecord, names: readonly string[]): Markup {
  const order = targets
    .map((target, index) => ({ target, name: names[index] ?? '' }))
    .sort((one, other) => Number(isUnknown(other.target.row)) - Number(isUnknown(one.target.row)))
    .slice(0, HTML_BOUNDS.targets);
  const table = toTargets(
    order.map(({ target }) => target),
    order.map(({ name }) => name),
  );
  return html`<section aria-labelledby="targets">
    <h2 id="targets">Targets</h2>
    ${targets.length === 0 ? html`<p class="none">There are none.</p>` : table}
  </section>`;
}

const GROUPS = [
  { state: 'open', id: 'open', title: 'Open findings' },
  { state: 'dismissed', id: 'dismissed', title: 'Dismissed' },
  { state: 'fixed', id: 'fixed', title: 'Fixed' },
] as const;

function toFindingsSection(findings: readonly ReportedFinding[], names: readonly string[]): Markup[] {
  const shown = findings.slice(0, HTML_BOUNDS.findings);
  const rest = findings.length - shown.length;
  const groups = GROUPS.flatMap(({ state, id, title }) => {
    const group = shown.filter(({ finding }) => finding.state === state);
    if (group.length === 0 && state !== 'open') return [];
    return [
      html`<section class="findings" aria-labelledby="${id}">
        <h2 id="${id}">${title} <span class="count">${group.length}</span></h2>
        ${group.length === 0 ? html`<p class="none">There are none.</p>` : toGroup(group, names, state === 'open')}
      </section>`,
    ];
  });
  return rest === 0
    ? groups
    : [...groups, html`<p class="none">${plural(rest, 'finding', 'findings')} more are not shown here.</p>`];
}

function toGroup(group: readonly ReportedFinding[], names: readonly string[], isOpen: boolean): Markup[] {
  const unfold = isOpen && group.length <= HTML_BOUNDS.unfolded;
  return group.map((one) => toFinding(one, names.length === 1 ? null : (names[one.index] ?? null), unfold));
}
