/** The rows as a plain table for a terminal, or as Markdown for a page. */
import type { Figures, Row } from './figures.ts';

const HEAD = ['what', 'median', 'p99', 'n', 'reference', 'median', 'p99', 'times', 'aim', 'met'];
/** Columns of words; the others are numbers and stand to the right. */
const WORDS = new Set([0, 4, 8, 9]);

export function toTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows.map(toCells)];
  const widths = HEAD.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) =>
        WORDS.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const [head = '', ...body] = lines;
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [head, rule, ...body, ...toNotes(rows)].join('\n');
}

/** Columns that a page has no room for: how many samples, and the 99th percentile of the reference. */
const TERMINAL_ONLY = new Set([3, 6]);

/** The same as a table of Markdown, with its notes below it. */
export function toMarkdown(rows: readonly Row[]): string {
  const lines = [HEAD, HEAD.map(() => '---'), ...rows.map((row, index) => toCells(row, index).map(toMarkdownCell))];
  const table = lines.map((cells) => `| ${cells.filter((_, column) => !TERMINAL_ONLY.has(column)).join(' | ')} |`);
  return [...table, ...toNotes(rows)].join('\n');
}

function toMarkdownCell(cell: string): string {
  if (cell === '-') return '';
  return /^\d{4,}$/.test(cell) ? Number(cell).toLocaleString('en-US') : cell.replaceAll('|', '\\|');
}

function toCells(row: Row, index: number): string[] {
  const { measured, reference, aim } = row;
  const mark = row.note === null ? '' : ` [${index + 1}]`;
  return [
    `${row.what}, ${row.unit}${mark}`,
    ...toNumbers(measured),
    measured === null ? '' : String(measured.samples),
    reference?.what ?? '',
    ...(reference === null ? ['', ''] : toNumbers(reference.figures)),
    measured === null || reference === null ? '' : (measured.median / reference.figures.median).toFixed(2),
    aim?.text ?? '',
    aim === null ? '' : aim.met ? 'yes' : 'NO',
  ];
}

function toNumbers(figures: Figures | null): [string, string] {
  if (figures === null) return ['-', '-'];
  return [toNumber(figures.median), figures.p99 === null ? '-' : toNumber(figures.p99)];
}

function toNumber(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toString() : value.toFixed(1);
}

function toNotes(rows: readonly Row[]): string[] {
  const notes = rows.flatMap(({ note }, index) => (note === null ? [] : [`[${index + 1}] ${note}`]));
  return notes.length === 0 ? [] : ['', ...notes];
}
