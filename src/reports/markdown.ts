/** Markdown for a comment or a chat: the most urgent findings, and the number of the others. */
import { toDollars } from '../contract/plain/words/amount-words.ts';
import type { RecordedTarget, ReviewRecord } from '../contract/index.ts';
import { countOpen, toPriorityWord, toTitle } from './finding-words.ts';
import { toCode, toFileCode, toWords } from './markdown-text.ts';
import { describeOutcome, isUnknown, toMinute } from './outcome.ts';
import { nameTargets } from './repository.ts';
import { type ReportedFinding, type Selection, selectFindings } from './selection.ts';
import { plural } from '../contract/plain/plural.ts';

/** Maximum length: GitHub accepts 65,536 characters in a comment. */
export const MARKDOWN_BOUNDS = { lines: 70, chars: 40_000 };

const MOST = { findings: 20, unknown: 8, leftOut: 4, namedFiles: 5, targets: 10 };
const MAX_CHARS = { title: 160, path: 160, name: 100, detail: 240, why: 80 };

export function toMarkdown(record: ReviewRecord, only: Selection): string {
  const names = nameTargets(record.targets.map(({ row }) => row.target)).map((name) => toWords(name, MAX_CHARS.name));
  const findings = selectFindings(record, only);
  const blocks = [
    toHeading(record),
    toFindingsBlock(findings, names, only),
    toUnknownBlock(record, names),
    toLeftOutBlock(record, names),
    toTargetsBlock(record, names),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function toHeading(record: ReviewRecord): string[] {
  const { batch, targets, at } = record;
  const { findings, spent } = batch;
  const reason = batch.reason === null ? '' : ` (${toWords(batch.reason, MAX_CHARS.detail)})`;
  return [
    `## Review ${toCode(batch.batchId, MAX_CHARS.name)}: ${plural(findings.new, 'new finding', 'new findings')}`,
    '',
    `${batch.status}${reason}, ${plural(targets.length, 'target', 'targets')}: ` +
      `**${findings.new} new**, ${findings.reopened} back, ${findings.unchanged} still there, ` +
      `${findings.fixed} fixed, ${findings.dismissed} dismissed; **${countOpen(record)} open** in all. ` +
      `${toDollars(spent.costMicroUsd)}, ${plural(spent.tokens, 'token', 'tokens')}, ${toMinute(batch.endedAt ?? at)}.`,
  ];
}

const TITLES: Record<Selection, string> = { new: 'New findings', open: 'Open findings', all: 'Findings' };

function toFindingsBlock(findings: readonly ReportedFinding[], names: readonly string[], only: Selection): string[] {
  const shown = findings.slice(0, MOST.findings).map((reported) => toFindingLine(reported, names));
  const lines = shown.length === 0 ? ['None.'] : [...shown, ...toRest(findings.slice(MOST.findings))];
  return [`### ${TITLES[only]}`, '', ...lines];
}

function toFindingLine({ finding, change, index }: ReportedFinding, names: readonly string[]): string {
  const { location, state } = finding;
  const mark = state !== 'open' ? state : change === 'new' || change === 'reopened' ? change : '';
  const place = location === null ? '' : ` ${toFileCode(location.path, MAX_CHARS.path, `:${location.startLine}`)}`;
  const target = names.length === 1 ? '' : ` · ${names[index] ?? ''}`;
  return `- **${toPriorityWord(finding)}**${mark === '' ? '' : ` *${mark}*`} ${toWords(toTitle(finding), MAX_CHARS.title)}${place}${target}`;
}

function toRest(rest: readonly ReportedFinding[]): string[] {
  if (rest.length === 0) return [];
  const counts = [0, 1, 2, 3, null]
    .map((priority) => ({ priority, count: rest.filter(({ finding }) => finding.priority === priority).length }))
    .filter(({ count }) => count > 0)
    .map(({ priority, count }) => `${count} ${priority === null ? 'without a priority' : `P${priority}`}`);
  return [`- … and ${rest.length} more: ${counts.join(', ')}`];
}

function toUnknownBlock({ targets }: ReviewRecord, names: readonly string[]): string[] {
  const unknown = targets.flatMap(({ row }, index) => (isUnknown(row) ? [{ row, name: names[index] ?? '' }] : []));
  if (unknown.length === 0) return [];
  const lines = unknown.slice(0, MOST.unknown).map(({ row, name }) => {
    const { label, detail } = describeOutcome(row.outcome);
    return `- ${name}: **${label}**, ${toWords(detail, MAX_CHARS.detail)}`;
  });
  const rest = unknown.length - lines.length;
  return ['### Not reviewed', '', ...lines, ...(rest === 0 ? [] : [`- … and ${rest} more`])];
}

/** The first files that no review looked at, and the number of all. */
function toLeftOutBlock({ targets }: ReviewRecord, names: readonly string[]): string[] {
  const all = targets.flatMap(({ row: { outcome } }, index) =>
    outcome.status === 'reviewed' && outcome.filesLeftOut > 0 ? [{ outcome, name: names[index] ?? '' }] : [],
  );
  if (all.length === 0) return [];
  const lines = all.slice(0, MOST.leftOut).map(({ outcome: { filesLeftOut, leftOut = [] }, name }) => {
    const named = leftOut.slice(0, MOST.namedFiles);
    const files = named.map(({ path, why }) => `${toFileCode(path, MAX_CHARS.path)} (${toWords(why, MAX_CHARS.why)})`);
    const more = filesLeftOut - named.length;
    const rest = more === 0 ? [] : [named.length === 0 ? plural(more, 'file', 'files') : `${more} more`];
    return `- ${names.length === 1 ? '' : `${name}: `}${[...files, ...rest].join(', ')}`;
  });
  const rest = all.length - lines.length;
  return [
    '### Files not looked at',
    '',
    ...lines,
    ...(rest === 0 ? [] : [`- … and of ${plural(rest, 'target', 'targets')} more`]),
  ];
}

/** With one target, the heading contains its counts. */
function toTargetsBlock({ targets }: ReviewRecord, names: readonly string[]): string[] {
  const known = targets
    .map((target, index) => ({ target, name: names[index] ?? '' }))
    .filter(({ target }) => !isUnknown(target.row));
  if (targets.length < 2 || known.length === 0) return [];
  const rows = known.sort((one, other) => openOf(other.target) - openOf(one.target)).slice(0, MOST.targets);
  const rest = known.length - rows.length;
  return [
    '### Targets',
    '',
    '| target | outcome | new | open | fixed |',
    '| --- | --- | --: | --: | --: |',
    ...rows.map(({ target, name }) => `| ${name} | ${toOutcomeCell(target)} | ${toCountCells(target)} |`),
    ...(rest === 0 ? [] : ['', `… and ${plural(rest, 'target', 'targets')} more.`]),
  ];
}

function toOutcomeCell({ row: { outcome } }: RecordedTarget): string {
  const { label, detail } = describeOutcome(outcome);
  return outcome.status === 'skipped' ? `${label}: ${toWords(detail, MAX_CHARS.detail)}` : label;
}

function toCountCells(target: RecordedTarget): string {
  const { outcome } = target.row;
  const counts = outcome.status === 'reviewed' ? outcome.counts : { new: 0, reopened: 0, fixed: 0 };
  return [counts.new + counts.reopened, openOf(target), counts.fixed].join(' | ');
}

function openOf({ ledger }: RecordedTarget): number {
  return ledger?.findings.filter(({ state }) => state === 'open').length ?? 0;
}
