/**
 * The trend as an inline SVG. The drawing is stretched to the width there is, so that it has no text of its own: the words of its
 * axes are HTML around it, as large on a phone as elsewhere.
 */
import { toMinute } from '../outcome.ts';
import type { TrendPoint } from '../trend.ts';
import { type Markup, html } from './markup.ts';

/** Units of the drawing, which are no pixels. */
const WIDTH = 1_000;
const OPEN = { top: 6, height: 130 };
const CHANGES = { top: 150, height: 60 };
const HEIGHT = CHANGES.top + CHANGES.height;

export function toChart(points: readonly TrendPoint[]): Markup {
  const mostOpen = toCeiling(Math.max(...points.map(({ open }) => open)));
  const mostChanged = Math.max(1, ...points.map((point) => Math.max(point.new, point.fixed)));
  const newest = points.at(-1);
  const words = `Open findings after each of ${points.length} runs, ${newest?.open ?? 0} after the newest one; below, those new and those fixed.`;
  return html`<figure class="chart">
    <div class="plot">
      <div class="axis" aria-hidden="true"><span>${mostOpen}</span><span>${mostOpen / 2}</span><span>0</span></div>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${words}">
        ${[0, 0.5, 1].map((part) => toGridLine(OPEN.top + OPEN.height * part))} ${toOpenLine(points, mostOpen)}
        ${toGridLine(CHANGES.top + CHANGES.height / 2)}
        ${points.map((point, index) => toBars(point, toSlot(index, points.length), mostChanged))}
      </svg>
    </div>
    <div class="dates" aria-hidden="true">${toDates(points).map((text) => html`<span>${text}</span>`)}</div>
    <figcaption>
      <span class="key open">open</span><span class="key new">new</span><span class="key fixed">fixed</span>
    </figcaption>
  </figure>`;
}

/** An even number, since its half is written, too. */
function toCeiling(most: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))) - 1) * 2;
  return Math.max(2, Math.ceil(most / step) * step);
}

interface Slot {
  left: number;
  width: number;
  middle: number;
}

function toSlot(index: number, count: number): Slot {
  const width = WIDTH / count;
  return { left: index * width, width, middle: (index + 0.5) * width };
}

function toGridLine(y: number): Markup {
  return html`<line class="grid" x1="0" x2="${WIDTH}" y1="${round(y)}" y2="${round(y)}" />`;
}

function toOpenLine(points: readonly TrendPoint[], most: number): Markup {
  const places = points.map(({ open }, index) => {
    const y = OPEN.top + OPEN.height * (1 - open / most);
    return { x: toSlot(index, points.length).middle, y };
  });
  const line = places.map(({ x, y }) => `${round(x)},${round(y)}`).join(' ');
  const first = places[0]?.x ?? 0;
  const last = places.at(-1)?.x ?? 0;
  const floor = OPEN.top + OPEN.height;
  return html`<polygon class="area" points="${round(first)},${floor} ${line} ${round(last)},${floor}" />
    <polyline class="trend" points="${line}" />
    ${places.map(({ x, y }) => html`<path class="dot" d="M${round(x)} ${round(y)}h0" />`)}`;
}

/** New ones go up, fixed ones go down. */
function toBars(point: TrendPoint, { left, width }: Slot, most: number): Markup {
  const half = CHANGES.height / 2;
  const middle = CHANGES.top + half;
  const up = (half * point.new) / most;
  const down = (half * point.fixed) / most;
  const barWidth = Math.min(width * 0.6, 60);
  const x = round(left + (width - barWidth) / 2);
  return html`<g
    ><title>${toMinute(point.at)}: ${point.open} open, ${point.new} new, ${point.fixed} fixed</title>
    <rect class="reach" x="${round(left)}" y="0" width="${round(width)}" height="${HEIGHT}" />
    <rect class="new" x="${x}" y="${round(middle - up)}" width="${round(barWidth)}" height="${round(up)}" />
    <rect class="fixed" x="${x}" y="${round(middle)}" width="${round(barWidth)}" height="${round(down)}"
  /></g>`;
}

/** Of the first and the newest run, and of the one between where there is room. */
function toDates(points: readonly TrendPoint[]): string[] {
  const middle = points.length >= 5 ? [points[Math.floor((points.length - 1) / 2)]] : [];
  const ends = points.length === 1 ? [points[0]] : [points[0], ...middle, points.at(-1)];
  return ends.flatMap((point) => (point === undefined ? [] : [toMinute(point.at).slice(0, 10)]));
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
