/** Samples summarised, and rows of the table made of them. */

export interface Figures {
  samples: number;
  median: number;
  /** Null where there are too few samples to speak of it. */
  p99: number | null;
  min: number;
  max: number;
  mean: number;
}

export type Unit =
  '%' | 'ms' | 'bytes' | 'KiB' | 'MiB' | 'events' | 'runs' | 'calls' | 'tokens' | 'turns/s' | 'targets/min' | 'calls/s';

export interface Row {
  what: string;
  unit: Unit;
  /** Null where it was not measured; `note` then says why. */
  measured: Figures | null;
  reference: { what: string; figures: Figures } | null;
  aim: { text: string; met: boolean } | null;
  note: string | null;
}

/** Fewer samples than this have no 99th percentile. */
const P99_SAMPLES = 20;

/** Throws where there is no sample: a figure made of nothing is a defect of the bench. */
export function summarise(samples: readonly number[]): Figures {
  if (samples.length === 0) throw new Error('There are no samples to summarise');
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    samples: sorted.length,
    median: quantile(sorted, 0.5),
    p99: sorted.length < P99_SAMPLES ? null : quantile(sorted, 0.99),
    min: sorted[0]!,
    max: sorted.at(-1)!,
    mean: sorted.reduce((sum, sample) => sum + sample, 0) / sorted.length,
  };
}

/** Linear between the two nearest samples. */
function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)]!;
  return below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at));
}

export interface RowOptions {
  reference?: { what: string; figures: Figures };
  aim?: { text: string; met: boolean };
  note?: string;
}

export function toRow(what: string, unit: Unit, measured: Figures, options: RowOptions = {}): Row {
  return {
    what,
    unit,
    measured,
    reference: options.reference ?? null,
    aim: options.aim ?? null,
    note: options.note ?? null,
  };
}

export function notMeasured(what: string, unit: Unit, why: string): Row {
  return { what, unit, measured: null, reference: null, aim: null, note: `not measured: ${why}` };
}

/** How the median stands to another one. */
export function ratioOf(a: Figures, b: Figures): number {
  return a.median / b.median;
}
