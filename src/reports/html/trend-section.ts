/** The trend as a chart, and as a table for screen readers. */
import { toMinute } from '../outcome.ts';
import type { TrendPoint } from '../trend.ts';
import { toChart } from './chart.ts';
import { type Markup, markup } from './markup.ts';

export function toTrendSection(points: readonly TrendPoint[]): Markup | null {
  if (points.length === 0) return null;
  const headings = ['Open', 'New', 'Fixed'].map((name) => markup`<th scope="col" class="number">${name}</th>`);
  return markup`<section aria-labelledby="trend">
<h2 id="trend">Trend</h2>
${toChart(points)}
<details class="numbers">
<summary>The same in numbers</summary>
<table>
<thead><tr><th scope="col">Run</th>${headings}</tr></thead>
<tbody>${points.map(toRow)}</tbody>
</table>
</details>
</section>`;
}

function toRow(point: TrendPoint): Markup {
  const cells = [point.open, point.new, point.fixed].map((number) => markup`<td class="number">${number}</td>`);
  return markup`<tr><th scope="row">${toMinute(point.at)}</th>${cells}</tr>\n`;
}
