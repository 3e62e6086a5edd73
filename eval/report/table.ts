/** The summary of a run as a table, for a terminal or as Markdown. */
import { columns } from '../../src/interfaces/cli/text/columns.ts';
import { toVisibleLine } from '../../src/contract/plain/foreign-text.ts';
import type { RunRecord } from '../record.ts';
import { type Row, summarise } from './totals.ts';

const TASK_HEAD = ['task', 'passed', 'of', 'calls', 'input', 'cached', 'output', 'cost', 'seconds'];
const REVIEW_HEAD = [
  'review',
  'found',
  'of',
  'recall',
  'precision',
  'calls',
  'input',
  'cached',
  'output',
  'cost',
  'seconds',
];
const REASON_CHARS = 300;

export function toText(record: RunRecord): string {
  const { tasks, reviews } = tablesOf(record);
  const parts = [tasks, reviews].filter((rows) => rows.length > 1).map((rows) => columns(rows).join('\n'));
  return [heading(record), ...parts, reasonsOf(record).join('\n')].filter((part) => part !== '').join('\n\n');
}

export function toMarkdown(record: RunRecord): string {
  const { tasks, reviews } = tablesOf(record);
  const parts = [tasks, reviews].filter((rows) => rows.length > 1).map(toMarkdownTable);
  const reasons = reasonsOf(record).map((line) => `- ${toCell(line)}`);
  return [heading(record), ...parts, reasons.join('\n')].filter((part) => part !== '').join('\n\n');
}

function heading(record: RunRecord): string {
  const { total } = summarise(record);
  const effort = record.effort === null ? '' : `, effort ${record.effort}`;
  const left = total.left === 0 ? '' : `, ${total.left} of ${record.cases.length} did not run`;
  const what = record.spoilt ? ' (spoilt solutions, which must not pass)' : '';
  return `${record.model}${effort}${what}, ${record.startedAt.slice(0, 10)}: ${toCost(total.spent.costMicroUsd)}${left}`;
}

function tablesOf(record: RunRecord): { tasks: string[][]; reviews: string[][] } {
  const { tasks, reviews } = summarise(record);
  return {
    tasks: [
      TASK_HEAD,
      ...tasks.map((row) => [row.name ?? 'all', String(row.byStatus.passed), toOf(row), ...amounts(row)]),
    ],
    reviews: [
      REVIEW_HEAD,
      ...reviews.map((row) => [
        ...[row.name ?? 'all', String(row.byStatus.passed), toOf(row), toPercent(row.recall), toPercent(row.precision)],
        ...amounts(row),
      ]),
    ],
  };
}

/** Attempts that say something about the model. */
function toOf({ attempts, byStatus, left }: Row): string {
  const judged = attempts - byStatus.error - left;
  return byStatus.error === 0 ? String(judged) : `${judged} (${byStatus.error} not judged)`;
}

function amounts({ spent, seconds }: Row): string[] {
  const { modelCalls, inputTokens, cachedInputTokens, outputTokens, costMicroUsd } = spent;
  return [
    ...[modelCalls, inputTokens, cachedInputTokens, outputTokens].map((count) => count.toLocaleString('en-US')),
    ...[toCost(costMicroUsd), seconds.toFixed(1)],
  ];
}

function toCost(costMicroUsd: number | null): string {
  return costMicroUsd === null ? 'cost unknown' : `$${(costMicroUsd / 1_000_000).toFixed(4)}`;
}

function toPercent(part: number | null): string {
  return part === null ? '-' : `${Math.round(part * 100)} %`;
}

/** Foreign text on one line, without what a terminal would interpret. */
export function oneLine(text: string, maxChars: number): string {
  return toVisibleLine(text.replaceAll(/\s+/g, ' ')).slice(0, maxChars);
}

/** Why tasks did not pass. A review that found nothing says so by its numbers. */
function reasonsOf({ cases }: RunRecord): string[] {
  return cases.flatMap(({ id, result }) =>
    result === null || result.status === 'passed' || result.found !== null
      ? []
      : [`${id}: ${result.status}: ${oneLine(result.reason ?? '', REASON_CHARS)}`],
  );
}

function toMarkdownTable([head = [], ...rows]: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(toCell).join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}

/** Nothing in it is read as Markdown or HTML. */
function toCell(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|]/g, (character) => (character === '|' ? '\\|' : `\\${character}`));
}
