/** Milliseconds since the epoch with a fraction, comparable between the processes of one machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export interface Span {
  start: number;
  end: number;
}

export function lengthOf({ start, end }: Span): number {
  return end - start;
}

/** Milliseconds that at least one of the spans covers, within the window. */
export function coveredMs(window: Span, spans: readonly Span[]): number {
  let covered = 0;
  let until = window.start;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const from = Math.max(span.start, until);
    const to = Math.min(span.end, window.end);
    if (to <= from) continue;
    covered += to - from;
    until = to;
  }
  return covered;
}
