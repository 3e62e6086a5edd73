/**
 * The trend as an inline SVG. The drawing is stretched to the available width, so it contains no text: the labels of
 * its axes are HTML around it, with the same size on every screen.
 */
import { toMinute } from '../outcome.ts';
import type { TrendPoint } from '../trend.ts';
import { type Markup, markup } from './markup.ts';

/** Units of the drawing, not pixels. */
const WIDTH = 1_000;
const OPEN = { top: 6, height: 130 };
const CHANGES = { top: 150, height: 60 };
const HEIGHT = CHANGES.top + CHANGES.height;

/** @param points one or more */
export function toChart(points: readonly TrendPoint[]): Markup {
  const most = toCeiling(Math.max(...points.map(({ open }) => open)));
  const lines = [OPEN.top, OPEN.top + OPEN.height / 2, OPEN.top + OPEN.height, CHANGES.top + CHANGES.height / 2];
  return markup`<figure class="chart">
<div class="plot">
<div class="axis" aria-hidden="true"><span>${most}</span><span>${most / 2}</span><span>0</span></div>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${describe(points)}">
${lines.map(toGridLine)}
${toOpenLine(points, most)}
${toBars(points)}
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

function describe(points: readonly TrendPoint[]): string {
  const open = points.at(-1)?.open ?? 0;
  return `Open findings after ${points.length === 1 ? 'one run' : `each of ${points.length} runs`}, ${open} after the newest one; below, those new and those fixed.`;
}

/** Even, because its half is shown too. */
function toCeiling(most: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))) - 1) * 2;
  return Math.max(2, Math.ceil(most / step) * step);
}

function toGridLine(y: number): Markup {
  return markup`<line class="grid" x1="0" x2="${WIDTH}" y1="${round(y)}" y2="${round(y)}"/>`;
}

function toOpenLine(points: readonly TrendPoint[], most: number): Markup {
  const floor = OPEN.top + OPEN.height;
  const slot = WIDTH / points.length;
  const places = points.map(({ open }, index) => ({
    x: round((index + 0.5) * slot),
    y: round(floor - (OPEN.height * open) / most),
  }));
  const line = places.map(({ x, y }) => `${x},${y}`).join(' ');
  const ground = `${places.at(-1)?.x ?? 0},${floor} ${places[0]?.x ?? 0},${floor}`;
  return markup`<polygon class="area" points="${line} ${ground}"/>
<polyline class="trend" points="${line}"/>
${places.map(({ x, y }) => markup`<path class="dot" d="M${x} ${y}h0"/>`)}`;
}

/** New findings point up, fixed ones down. */
function toBars(points: readonly TrendPoint[]): Markup[] {
  const most = Math.max(1, ...points.map((point) => Math.max(point.new, point.fixed)));
  const slot = WIDTH / points.length;
  const width = Math.min(slot * 0.6, 60);
  const half = CHANGES.height / 2;
  const middle = CHANGES.top + half;
  return points.map((point, index) => {
    const x = round((index + 0.5) * slot - width / 2);
    const up = (half * point.new) / most;
    const down = (half * point.fixed) / most;
    return markup`<g><title>${toMinute(point.at)}: ${point.open} open, ${point.new} new, ${point.fixed} fixed</title>
<rect class="reach" x="${round(index * slot)}" y="0" width="${round(slot)}" height="${HEIGHT}"/>
<rect class="new" x="${x}" y="${round(middle - up)}" width="${round(width)}" height="${round(up)}"/>
<rect class="fixed" x="${x}" y="${round(middle)}" width="${round(width)}" height="${round(down)}"/></g>
`;
  });
}

/** The first, the newest and, if there is space, the middle run. */
function toDates(points: readonly TrendPoint[]): string[] {
  const last = points.length - 1;
  const places = points.length >= 5 ? [0, Math.floor(last / 2), last] : [0, last];
  return [...new Set(places)].flatMap((place) => points[place] ?? []).map(({ at }) => toMinute(at).slice(0, 10));
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
