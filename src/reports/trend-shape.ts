/** The geometry of the trend's drawing, in units of it. The drawing is stretched to the available width. */
import type { TrendPoint } from './trend.ts';

export const WIDTH = 1_000;
const OPEN = { top: 6, height: 130 };
const CHANGES = { top: 150, height: 60 };
export const HEIGHT = CHANGES.top + CHANGES.height;

/** One run: the number of open findings as a point of a line; new findings as a bar up, fixed ones as a bar down. */
interface RunShape {
  point: TrendPoint;
  dot: { x: number; y: number };
  /** The strip of the run, over the whole height. */
  reach: { x: number; width: number };
  new: Bar;
  fixed: Bar;
}

interface Bar {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface TrendShape {
  /** The number at the top of the scale, even, because its half is shown too. */
  most: number;
  /** Heights of the horizontal lines. */
  lines: number[];
  /** Points of the line, and of the area below it. */
  line: string;
  area: string;
  runs: RunShape[];
}

/** @param points one or more */
export function toTrendShape(points: readonly TrendPoint[]): TrendShape {
  const most = toCeiling(Math.max(...points.map(({ open }) => open)));
  const floor = OPEN.top + OPEN.height;
  const runs = toRuns(points, most);
  const line = runs.map(({ dot }) => `${dot.x},${dot.y}`).join(' ');
  return {
    most,
    lines: [OPEN.top, OPEN.top + OPEN.height / 2, floor, CHANGES.top + CHANGES.height / 2].map(round),
    line,
    area: `${line} ${runs.at(-1)?.dot.x ?? 0},${floor} ${runs[0]?.dot.x ?? 0},${floor}`,
    runs,
  };
}

function toRuns(points: readonly TrendPoint[], most: number): RunShape[] {
  const mostChanges = Math.max(1, ...points.map((point) => Math.max(point.new, point.fixed)));
  const slot = WIDTH / points.length;
  const width = Math.min(slot * 0.6, 60);
  const half = CHANGES.height / 2;
  const middle = CHANGES.top + half;
  return points.map((point, index) => {
    const x = round((index + 0.5) * slot - width / 2);
    const [up, down] = [point.new, point.fixed].map((count) => (half * count) / mostChanges) as [number, number];
    const y = round(OPEN.top + OPEN.height - (OPEN.height * point.open) / most);
    return {
      point,
      dot: { x: round((index + 0.5) * slot), y },
      reach: { x: round(index * slot), width: round(slot) },
      new: { x, y: round(middle - up), width: round(width), height: round(up) },
      fixed: { x, y: round(middle), width: round(width), height: round(down) },
    };
  });
}

function toCeiling(most: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))) - 1) * 2;
  return Math.max(2, Math.ceil(most / step) * step);
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}

/** For a reader who does not see it. */
export function describeTrend(points: readonly TrendPoint[]): string {
  const open = points.at(-1)?.open ?? 0;
  return `Open findings after ${points.length === 1 ? 'one run' : `each of ${points.length} runs`}, ${open} after the newest one; below, those new and those fixed.`;
}
