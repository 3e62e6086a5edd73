/** A batch over many repositories, beside the same reviews one by one, and a second pass after a few of them have changed. */
import { join } from 'node:path';
import { loopOn, passesOn, readTimes, type Pass } from '../batch/passes.ts';
import { CHANGE, CONTENTS, changeRepository, makeRepositories } from '../batch/repositories.ts';
import { memoryRows, passRows, shareRows, stageRows } from '../batch/rows.ts';
import type { Part } from '../part.ts';

const CONCURRENCY = 8;
/** Every so manyth repository changes between the passes. */
const CHANGES_EVERY = 10;

export const batch: Part = async (environment, { quick, signal }) => {
  const { targets, alone } = quick ? { targets: 40, alone: 5 } : { targets: 500, alone: 25 };
  const made = await makeRepositories(join(environment.root, 'batch'), targets + alone, signal);
  const repositories = made.slice(0, targets);
  environment.progress(`batch: ${made.length} repositories made`);
  await using worker = await environment.bobbin();
  await using loopWorker = await environment.bobbin();
  const place = { environment, worker, signal };
  const pass = passesOn(place);
  const loop = loopOn({ environment, worker: loopWorker, signal }, CONCURRENCY);

  const few = await pass(made.slice(targets), 1);
  expect(few, { reviewed: alone, skipped: 0, found: alone * CONTENTS.findings });
  const fewTimes = await readTimes(place, few);
  // Half of the reference before and half after the first pass, so that a machine that drifts hits both.
  await loop.run(repositories.slice(0, targets / 2));
  environment.progress('batch: half of the single reviews are done');
  const first = await pass(repositories, CONCURRENCY);
  expect(first, { reviewed: targets, skipped: 0, found: targets * CONTENTS.findings });
  environment.progress(`batch: the first pass is done, ${paceOf(first)}`);
  const times = await readTimes(place, first);
  await loop.run(repositories.slice(targets / 2));
  environment.progress('batch: all single reviews are done');

  const changed = repositories.filter((_, index) => index % CHANGES_EVERY === 0).map(changeRepository).length;
  const second = await pass(repositories, CONCURRENCY);
  expect(second, { reviewed: changed, skipped: targets - changed, found: changed * CHANGE.findings });
  environment.progress(`batch: the second pass is done, ${paceOf(second)}`);
  const reference = await loop.end();

  const about = { targets, changed, concurrency: CONCURRENCY };
  return [
    ...passRows(about, first, second, reference),
    ...shareRows(about, first, second, reference),
    ...memoryRows(first, reference),
    ...stageRows(about, times, fewTimes),
  ];
};

/** Said on the way: a long run that fails later has told something. */
function paceOf({ ms, rows, calls, tokens }: Pass): string {
  const perMinute = rows.length / (ms / 60_000);
  return `${perMinute.toFixed(1)} targets a minute, ${calls} model calls, ${tokens} tokens`;
}

/** A batch that did something else measures nothing. */
function expect({ view }: Pass, wanted: { reviewed: number; skipped: number; found: number }): void {
  const { reviewed, skipped } = view.counts;
  const found = view.findings.new;
  if (JSON.stringify({ reviewed, skipped, found }) !== JSON.stringify(wanted))
    throw new Error(`A batch of the bench did not do what was expected of it: ${JSON.stringify(view)}`);
}
