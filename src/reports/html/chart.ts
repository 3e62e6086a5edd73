/**
 * The trend as an inline SVG. The drawing is stretched to the available width, so it contains no text: the labels of
 * its axes are HTML around it, with the same size on every screen.
 */
import { toMinute } from '../outcome.ts';
import type { TrendPoint } from '../trend.ts';
import { HEIGHT, type TrendShape, WIDTH, describeTrend, toTrendShape } from '../trend-shape.ts';
import { type Markup, markup } from './markup.ts';

/** @param points one or more */
export function toChart(points: readonly TrendPoint[]): Markup {
  const shape = toTrendShape(points);
  const { most, lines } = shape;
  return markup`<figure class="chart">
<div class="plot">
<div class="axis" aria-hidden="true"><span>${most}</span><span>${most / 2}</span><span>0</span></div>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${describeTrend(points)}">
${lines.map((y) => markup`<line class="grid" x1="0" x2="${WIDTH}" y1="${y}" y2="${y}"/>`)}
${toOpenLine(shape)}
${toBars(shape)}
</svg>
</div>
<div class="dates" aria-hidden="true">${toDates(points).map((text) => markup`<span>${text}</span>`)}</div>
<figcaption>
<span class="key open">open</span>
<span class="key new">new</span>
<span class="key fixed">fixed</span>
</figcaption>
</figure>`;
}

function toOpenLine({ line, area, runs }: TrendShape): Markup {
  return markup`<polygon class="area" points="${area}"/>
<polyline class="trend" points="${line}"/>
${runs.map(({ dot: { x, y } }) => markup`<path class="dot" d="M${x} ${y}h0"/>`)}`;
}

/** New findings point up, fixed ones down. */
function toBars({ runs }: TrendShape): Markup[] {
  return runs.map(({ point, reach, new: up, fixed: down }) => {
    const bar = (kind: string, { x, y, width, height }: typeof up) =>
      markup`<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}"/>`;
    return markup`<g><title>${toMinute(point.at)}: ${point.open} open, ${point.new} new, ${point.fixed} fixed</title>
<rect class="reach" x="${reach.x}" y="0" width="${reach.width}" height="${HEIGHT}"/>
${bar('new', up)}
${bar('fixed', down)}</g>
`;
  });
}

/** The first, the newest and, if there is space, the middle run. */
function toDates(points: readonly TrendPoint[]): string[] {
  const last = points.length - 1;
  const places = points.length >= 5 ? [0, Math.floor(last / 2), last] : [0, last];
  return [...new Set(places)].flatMap((place) => points[place] ?? []).map(({ at }) => toMinute(at).slice(0, 10));
}
