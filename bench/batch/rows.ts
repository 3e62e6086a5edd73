/** The rows that a batch of the bench comes to. */
import { lengthOf } from '../clock.ts';
import { type Figures, type Row, type RowOptions, type Unit, notMeasured, summarise, toRow } from '../figures.ts';
import { type Extent, extentOf, totalOf } from './histories.ts';
import { type Cost, type Loop, type Pass, type Watched, runsOf } from './passes.ts';
import type { TargetTimes } from './target-times.ts';

export interface About {
  targets: number;
  /** So many of them have a commit more in the second pass. */
  changed: number;
  concurrency: number;
}

const LOOP = 'the same reviews one by one in a loop';
const FIRST = 'the first pass';

const one = (value: number): Figures => summarise([value]);
const rateOf = (targets: number, { ms }: Pick<Cost, 'ms'>): Figures => one(targets / (ms / 60_000));

export function passRows({ targets, changed, concurrency }: About, first: Pass, second: Pass, loop: Loop): Row[] {
  const against = (what: string, value: Figures): RowOptions => ({ reference: { what, figures: value } });
  const many = `${targets} targets, ${concurrency} at a time`;
  const perTarget = (cost: Cost, of: (cost: Cost) => number) => one(of(cost) / targets);
  const calls = ({ calls: some }: Cost) => some;
  const tokens = ({ tokens: some }: Cost) => some;
  const loopNote =
    'the reference: `threads.startWith` with a review of the commit, followed to its end; half of it before and half after';
  const changedNote = `${changed} of ${targets} have a commit more, the others are skipped`;
  return [
    toRow(many, 'targets/min', rateOf(targets, first), {
      ...against(LOOP, rateOf(targets, loop)),
      note: loopNote,
    }),
    toRow('model calls of a target', 'calls', perTarget(first, calls), against(LOOP, perTarget(loop, calls))),
    toRow('tokens of a target', 'tokens', perTarget(first, tokens), against(LOOP, perTarget(loop, tokens))),
    toRow('single review, from the call to its end', 'ms', summarise(loop.spans.map(lengthOf))),
    toRow('second pass', 'targets/min', rateOf(targets, second), {
      ...against(FIRST, rateOf(targets, first)),
      note: changedNote,
    }),
    toRow('second pass, model calls', 'calls', one(second.calls), {
      ...against(FIRST, one(first.calls)),
      aim: { text: 'those of what changed', met: second.calls * targets <= first.calls * changed },
    }),
    toRow('second pass, tokens', 'tokens', one(second.tokens), {
      ...against(FIRST, one(first.tokens)),
      aim: { text: 'those of what changed', met: second.tokens * targets <= first.tokens * changed },
    }),
    toRow('runs of the batch itself', 'runs', one(runsOf(first)), {
      reference: { what: 'in the second pass', figures: one(runsOf(second)) },
    }),
  ];
}

const SHARES: [type: string, what: string][] = [
  ['batchReview', "the batch's own"],
  ['targetReview', 'its workflow'],
  ['thread', 'the thread that looks'],
  ['reviewLedger', 'its ledger'],
];

/** What a target brings to histories: all of it, and each workflow's share. */
export function shareRows({ targets, changed }: About, first: Pass, second: Pass, loop: Loop): Row[] {
  const skipped = targets - changed;
  return (['events', 'bytes'] as const).flatMap((unit) => {
    const share = (extent: Extent, among: number) => one(extent[unit] / among);
    const parts = SHARES.map(([type, what]) =>
      toRow(`history of a target, ${what}`, unit, share(extentOf(first.added, type), targets)),
    );
    return [
      toRow('history of a target', unit, share(totalOf(first.added), targets), {
        reference: { what: `${LOOP}, two threads each`, figures: share(totalOf(loop.added), targets) },
      }),
      ...parts,
      toRow(
        'history of a target that is skipped',
        unit,
        share(withoutReviews(first, second, changed, targets), skipped),
        {
          note: 'of the second pass, less those that changed, which count as in the first',
        },
      ),
    ];
  });
}

/** What the second pass added, but for the targets that were reviewed again, at the price of the first. */
function withoutReviews(first: Pass, second: Pass, changed: number, targets: number): Extent {
  const [all, before] = [totalOf(second.added), totalOf(first.added)];
  const less = (of: (extent: Extent) => number) => of(all) - (of(before) / targets) * changed;
  return { runs: 0, events: less(({ events }) => events), bytes: less(({ bytes }) => bytes) };
}

const PROCESSES: [Watched, string][] = [
  ['worker', 'worker'],
  ['service', 'Temporal service'],
];

export function memoryRows(first: Pass, loop: Loop): Row[] {
  return PROCESSES.map(([process, what]) => {
    const name = `first pass, greatest resident memory, ${what}`;
    const [peak, other] = [first.peaks[process], loop.peaks[process]];
    if (peak === null || other === null) return notMeasured(name, 'MiB', 'this system does not tell');
    return toRow(name, 'MiB', one(peak), { reference: { what: LOOP, figures: one(other) } });
  });
}

const STAGES: [keyof TargetTimes, string][] = [
  ['whole', 'from its start to its end'],
  ['begin', 'to its first step'],
  ['opens', '`openTarget`: find, ask the ledger, split'],
  ['toThread', 'to the thread'],
  ['threadStarts', 'the thread starts'],
  ['thread', 'the thread looks'],
  ['threadSteps', 'of that, steps: model, commands, registration'],
  ['threadTasks', 'of that, workflow tasks'],
  ['toConclude', 'to the last step'],
  ['concludes', '`concludeTarget`: place, recognise, record'],
  ['end', 'to its end'],
];

/** @param crowded of targets of a batch with many at a time, `alone` of one with one at a time. */
export function stageRows(
  { concurrency }: About,
  crowded: readonly TargetTimes[],
  alone: readonly TargetTimes[],
): Row[] {
  const unit: Unit = 'ms';
  return STAGES.map(([stage, what]) =>
    toRow(`target, one at a time: ${what}`, unit, summarise(alone.map((times) => times[stage])), {
      reference: { what: `${concurrency} at a time`, figures: summarise(crowded.map((times) => times[stage])) },
    }),
  );
}
