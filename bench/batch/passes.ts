/** Runs batches on a worker, and takes down what each of them cost. */
import type { BatchRow, BatchView } from '../../src/contract/index.ts';
import { type Span, now } from '../clock.ts';
import type { BobbinWorker, TestEnvironment } from '../environment.ts';
import { type Extents, addedSince, extentOf, readExtents } from './histories.ts';
import { type Peaks, watchMemory } from './memory-watch.ts';
import type { SmallRepository } from './repositories.ts';
import { type SingleReview, reviewInLoop } from './review-loop.ts';
import { sideBySide } from './side-by-side.ts';
import { type TargetTimes, readTargetTimes } from './target-times.ts';

export type Watched = 'worker' | 'service';

/** What some reviews cost together. */
export interface Cost {
  ms: number;
  /** Requests that the model answered. */
  calls: number;
  tokens: number;
  /** What came to all histories. */
  added: Extents;
  peaks: Peaks<Watched>;
}

/** One batch from before its start until the client has seen its end. */
export interface Pass extends Cost {
  view: BatchView;
  rows: BatchRow[];
}

interface Place {
  environment: TestEnvironment;
  worker: BobbinWorker;
  signal: AbortSignal;
}

/** Gives a function that runs one batch after the other; nothing else may use this worker, or a model, meanwhile. */
export function passesOn(place: Place): (targets: readonly SmallRepository[], concurrency: number) => Promise<Pass> {
  const { bobbin, taskQueue } = place.worker;
  let before: Extents = new Map();
  let reviews = 0;
  let batches = 0;
  return async (repositories, concurrency) => {
    const targets = repositories.map(({ cwd }) => ({ repository: cwd }));
    const { result, ms, calls, peaks } = await measure(place, async () => {
      const batch = await bobbin.batches.start({ targets, concurrency });
      return { batch, view: await batch.follow({ signal: place.signal }) };
    });
    place.signal.throwIfAborted();
    const { batch, view } = result;
    const rows: BatchRow[] = [];
    for await (const row of batch.rows()) rows.push(row);
    reviews += view.counts.reviewed;
    batches += 1;
    const least = { batchReview: batches, thread: reviews, reviewLedger: targets.length };
    const after = await readExtents(bobbin.service, taskQueue, least);
    const added = addedSince(before, after);
    before = after;
    return { view, rows, ms, calls, tokens: view.spent.tokens, added, peaks };
  };
}

/** Of each of its targets that was reviewed. */
export function readTimes({ worker }: Place, { view, rows }: Pass): Promise<TargetTimes[]> {
  const reviewed = rows.filter(({ outcome }) => outcome.status === 'reviewed');
  return sideBySide(reviewed, 4, ({ index }) => readTargetTimes(worker.bobbin.service, `${view.batchId}/${index}`));
}

/** Single reviews, some now and some later. */
export function loopOn(place: Place, concurrency: number) {
  const { bobbin, taskQueue } = place.worker;
  const spans: Span[] = [];
  const sum = { ms: 0, calls: 0, tokens: 0, peaks: { worker: null, service: null } as Peaks<Watched> };
  return {
    async run(repositories: readonly SmallRepository[]): Promise<void> {
      const { result, ms, calls, peaks } = await measure(place, () =>
        reviewInLoop(bobbin, repositories, { concurrency, signal: place.signal }),
      );
      sum.ms += ms;
      sum.calls += calls;
      sum.tokens += result.reduce((tokens, one: SingleReview) => tokens + one.tokens, 0);
      sum.peaks = { worker: higher(sum.peaks.worker, peaks.worker), service: higher(sum.peaks.service, peaks.service) };
      spans.push(...result.map(({ span }) => span));
    },
    /** All of it together. */
    async end(): Promise<Cost & { spans: Span[] }> {
      // Each has its own thread that looks.
      const added = await readExtents(bobbin.service, taskQueue, { thread: 2 * spans.length });
      return { ...sum, added, spans };
    },
  };
}

export type Loop = Awaited<ReturnType<ReturnType<typeof loopOn>['end']>>;

async function measure<T>({ environment, worker }: Place, body: () => Promise<T>) {
  await environment.takeRequests();
  const start = now();
  const pids = { worker: worker.child.pid, service: environment.temporal.pid };
  const { result, peaks } = await watchMemory(pids, body);
  const ms = now() - start;
  const port = Number(new URL(environment.services.modelUrl).port);
  const calls = (await environment.takeRequests()).filter((request) => request.port === port).length;
  return { result, peaks, ms, calls };
}

function higher(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** Runs of batches themselves in it. */
export function runsOf({ added }: Cost): number {
  return extentOf(added, 'batchReview').runs;
}
