import type { EscapeRow } from './row.ts';

/** The table of docs/security.md. */
export function toMarkdownTable(rows: readonly EscapeRow[]): string {
  const lines = rows.map(({ row, tried, heldBy }) => `| ${row} | ${tried} | ${heldBy} |`);
  return `${['| # | tried | held by |', '| --- | --- | --- |', ...lines].join('\n')}\n`;
}
