/**
 * The whole record as one self-contained page: no script, no font, no image, no link. Its content security policy forbids
 * browsers to load or run anything, in case something slips through.
 */
import { toDollars } from '../../contract/plain/words/amount-words.ts';
import type { ReviewRecord } from '../../contract/index.ts';
import { countOpen } from '../finding-words.ts';
import { toLine } from '../foreign-text.ts';
import { isUnknown, toMinute } from '../outcome.ts';
import { nameTargets } from '../repository.ts';
import { type ReportedFinding, type Selection, selectFindings } from '../selection.ts';
import { toTrend } from '../trend.ts';
import { toFinding } from './finding.ts';
import { type Markup, markup, toText, trusted } from './markup.ts';
import { STYLE } from './style.ts';
import { toTargets } from './targets.ts';
import { toTrendSection } from './trend-section.ts';
import { plural } from '../../contract/plain/plural.ts';

/** A page with more is too slow on a phone. The others are counted. */
export const HTML_BOUNDS = { findings: 1_000, targets: 5_000, runs: 30, unfolded: 30 };

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

export function toHtml(record: ReviewRecord, only: Selection): string {
  const names = nameTargets(record.targets.map(({ row }) => row.target));
  const { batchId } = record.batch;
  return toText(markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trusted(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>Review ${batchId}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<header>
<p class="over">Review</p>
<h1>${batchId}</h1>
<p class="under">${describeBatch(record)}</p>
</header>
<main>
${toTiles(record)}
${toTrendSection(toTrend(record.targets, HTML_BOUNDS.runs))}
${toTargetsSection(record, names)}
${toFindingsSections(selectFindings(record, only), names)}
</main>
<footer>Made by Bobbin, ${toMinute(record.at)}</footer>
</body>
</html>
`);
}

function describeBatch({ batch, targets }: ReviewRecord): string {
  const end = batch.endedAt === null ? `begun ${toMinute(batch.startedAt)}` : toMinute(batch.endedAt);
  const reason = batch.reason === null ? '' : `: ${toLine(batch.reason, 500)}`;
  return `${batch.status}${reason} · ${end} · ${plural(targets.length, 'target', 'targets')}`;
}

function toTiles(record: ReviewRecord): Markup {
  const { batch, targets } = record;
  const { findings, spent } = batch;
  const unknown = targets.filter(({ row }) => isUnknown(row)).length;
  const tiles: [name: string, value: string, kind: string][] = [
    ['new', toCount(findings.new), 'new'],
    ['came back', toCount(findings.reopened), 'reopened'],
    ['still there', toCount(findings.unchanged), ''],
    ['open in all', toCount(countOpen(record)), 'open'],
    ['fixed', toCount(findings.fixed), 'fixed'],
    ['dismissed', toCount(findings.dismissed), 'dismissed'],
    ['not reviewed', toCount(unknown), unknown > 0 ? 'unknown' : ''],
    [plural(spent.tokens, 'token', 'tokens'), toDollars(spent.costMicroUsd), ''],
  ];
  const entries = tiles.map(([name, value, kind]) => markup`<li class="tile ${kind}"><b>${value}</b> ${name}</li>\n`);
  return markup`<ul class="tiles" aria-label="In short">${entries}</ul>`;
}

function toCount(count: number): string {
  return count.toLocaleString('en');
}

/** Targets with an unknown result come first. */
function toTargetsSection({ targets }: ReviewRecord, names: readonly string[]): Markup {
  const named = targets
    .map((target, index) => ({ target, name: names[index] ?? '' }))
    .sort((one, other) => Number(isUnknown(other.target.row)) - Number(isUnknown(one.target.row)));
  return markup`<section aria-labelledby="targets">
<h2 id="targets">Targets</h2>
${named.length === 0 ? NONE : toTargets(named.slice(0, HTML_BOUNDS.targets))}
</section>`;
}

const NONE = trusted('<p class="none">There are none.</p>');

const GROUPS = [
  { state: 'open', title: 'Open findings' },
  { state: 'dismissed', title: 'Dismissed' },
  { state: 'fixed', title: 'Fixed' },
] as const;

function toFindingsSections(findings: readonly ReportedFinding[], names: readonly string[]): Markup[] {
  const shown = findings.slice(0, HTML_BOUNDS.findings);
  const rest = findings.length - shown.length;
  const sections = GROUPS.flatMap(({ state, title }) => {
    const group = shown.filter(({ finding }) => finding.state === state);
    if (group.length === 0 && state !== 'open') return [];
    return [
      markup`<section class="findings" aria-labelledby="${state}">
<h2 id="${state}">${title} <span class="count">${group.length}</span></h2>
${group.length === 0 ? NONE : toGroup(group, names, state === 'open')}
</section>
`,
    ];
  });
  if (rest === 0) return sections;
  return [...sections, markup`<p class="none">${plural(rest, 'finding', 'findings')} more are not shown here.</p>`];
}

function toGroup(group: readonly ReportedFinding[], names: readonly string[], isOpen: boolean): Markup[] {
  const unfold = isOpen && group.length <= HTML_BOUNDS.unfolded;
  return group.map((one) => toFinding(one, names.length === 1 ? null : (names[one.index] ?? null), unfold));
}
