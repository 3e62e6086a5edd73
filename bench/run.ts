/** `npm run bench`: measures every part on one Temporal service, prints a table, writes `bench/results/latest.json`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { inspect, parseArgs } from 'node:util';
import type { Row } from './figures.ts';
import { type Machine, currentLoad, describeMachine } from './machine.ts';
import type { Part } from './part.ts';
import { agents } from './parts/agents.ts';
import { anatomy } from './parts/anatomy.ts';
import { batch } from './parts/batch.ts';
import { cache } from './parts/cache.ts';
import { doors } from './parts/doors.ts';
import { fingerprints } from './parts/fingerprints.ts';
import { history } from './parts/history.ts';
import { memory } from './parts/memory.ts';
import { prewarm } from './parts/prewarm.ts';
import { review } from './parts/review.ts';
import { stop } from './parts/stop.ts';
import { throughput } from './parts/throughput.ts';
import { turnOverhead } from './parts/turn-overhead.ts';
import { undo } from './parts/undo.ts';
import { type TestEnvironment, openEnvironment } from './environment.ts';
import { toMarkdown, toTable } from './table.ts';

const PARTS: Record<string, Part> = {
  turn: turnOverhead,
  stop,
  history,
  prewarm,
  memory,
  throughput,
  doors,
  agents,
  undo,
  review,
  fingerprints,
  batch,
  anatomy,
  cache,
};

interface Results {
  startedAt: string;
  minutes: number;
  quick: boolean;
  machine: Machine;
  parts: Record<string, Row[]>;
}

const USAGE = `node bench/run.ts [--only NAME]... [--quick] [--json | --markdown]

  --only NAME  one part, or several: ${Object.keys(PARTS).join(', ')}
  --quick      few samples, to see that everything works
  --json       prints the results as JSON instead of the table
  --markdown   prints the table as Markdown, for docs/benchmarks.md
`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const wanted = options.only ?? Object.keys(PARTS);
const unknown = wanted.filter((name) => !(name in PARTS));
if (options.help || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `There is no part ${unknown.join(', ')}.\n\n${USAGE}` : USAGE);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => stopping.abort(new Error(`The bench was told to stop by ${signal}`)));
}
const progress = (line: string) => process.stderr.write(`${line}\n`);

process.exitCode = await bench();
// A part that was left in the middle may hold the process.
process.exit();

async function bench(): Promise<number> {
  try {
    await using environment = await openEnvironment(progress, stopping.signal);
    const results = await measure(environment);
    write(results);
    process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : print(results));
    return 0;
  } catch (error) {
    progress(inspect(error));
    return 1;
  }
}

async function measure(environment: TestEnvironment): Promise<Results> {
  const startedAt = new Date();
  const machine = describeMachine(environment);
  const parts: Record<string, Row[]> = {};
  for (const name of wanted) {
    progress(`measuring: ${name}`);
    parts[name] = await orAborted(PARTS[name]!(environment, { quick: options.quick, signal: stopping.signal }));
  }
  machine.load.after = currentLoad();
  const minutes = Math.round((Date.now() - startedAt.getTime()) / 6_000) / 10;
  return { startedAt: startedAt.toISOString(), minutes, quick: options.quick, machine, parts };
}

/** A part that waits for something does not keep the bench from ending. */
function orAborted<T>(part: Promise<T>): Promise<T> {
  const { signal } = stopping;
  return new Promise((resolve, reject) => {
    part.then(resolve, reject);
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    if (signal.aborted) reject(signal.reason as Error);
  });
}

function write(results: Results): void {
  const folder = new URL('./results/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  // What is not a whole run must not stand in for one.
  const whole = !results.quick && wanted.length === Object.keys(PARTS).length;
  const file = new URL(whole ? 'latest.json' : 'partial.tmp.json', folder);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  progress(`written: ${file.pathname}`);
}

function print({ machine, parts, quick }: Results): string {
  const { load, temporal } = machine;
  const lines = [
    `${machine.cores} cores (${machine.cpu}), ${machine.platform}, Node ${machine.node}, Temporal server ${temporal.server} with ${temporal.store}, SDK ${machine.temporalSdk}`,
    `load of the last minute ${load.before.toFixed(1)} before, ${(load.after ?? 0).toFixed(1)} after${quick ? '; a quick run, no result' : ''}`,
    '',
    (options.markdown ? toMarkdown : toTable)(Object.values(parts).flat()),
    '',
  ];
  return lines.join('\n');
}
