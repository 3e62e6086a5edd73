/** What a turn adds to history early and late in the life of a thread, and what goes to the model for comparison. */
import { type LongThread, type TurnRecord, growThread } from '../long-thread.ts';
import { type Figures, type Row, ratioOf, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';
import type { ServedRequest } from '../processes/services.ts';

/** Turns on either side of a point that count for it. */
const AROUND = 5;
const FLAT = 0.1;

export const history: Part = async (environment, { quick, signal }) => {
  const points = quick ? [10, 50, 100] : [10, 100, 500, 1_000];
  const last = points.at(-1)!;
  await using worker = await environment.bobbin(quick ? { env: { BOBBIN_CONTINUE_AFTER_EVENTS: '400' } } : {});
  await environment.takeRequests();
  const requests: ServedRequest[] = [];
  const long = await growThread(environment, worker.bobbin, (so) => {
    signal.throwIfAborted();
    return so.turns.length < last + AROUND || !runIsWhole(so, last);
  });
  requests.push(...(await environment.takeRequests()));
  await long.thread.close();
  return [
    ...rowsOf('history of a turn', points, (point) => marginalCost(long, point)),
    ...rowsOf('history of a turn, with what starts a new run', points, (point) => costWithRollover(long, point)),
    ...points.map((point) => toRequestRow(long, point, requests)),
  ];
};

interface Cost {
  bytes: Figures;
  events: Figures;
}

/** Whether the run that a turn ended in has ended itself, so that its whole cost is known. */
function runIsWhole({ turns, endedRuns }: LongThread, turn: number): boolean {
  const runId = turns[turn - 1]?.runId;
  return runId !== undefined && endedRuns.has(runId);
}

/** What each turn around the point added to its run; the turn in which a run began is counted with the rollover. */
function marginalCost({ turns }: LongThread, point: number): Cost {
  const added: { bytes: number; events: number }[] = [];
  for (let turn = point - AROUND; turn < point + AROUND; turn++) {
    const before = turns[turn - 1];
    const after = turns[turn];
    if (before === undefined || after?.runId !== before.runId) continue;
    added.push({ bytes: after.bytes - before.bytes, events: after.events - before.events });
  }
  return { bytes: summarise(added.map(({ bytes }) => bytes)), events: summarise(added.map(({ events }) => events)) };
}

/** All that the run around the point holds, shared out among its turns. */
function costWithRollover({ turns, endedRuns }: LongThread, point: number): Cost {
  const { runId } = turns[point - 1]!;
  const inRun = turns.filter((turn: TurnRecord) => turn.runId === runId);
  const whole = endedRuns.get(runId) ?? inRun.at(-1)!;
  return { bytes: summarise([whole.bytes / inRun.length]), events: summarise([whole.events / inRun.length]) };
}

function rowsOf(what: string, points: number[], costAt: (point: number) => Cost): Row[] {
  const first = costAt(points[0]!);
  return (['bytes', 'events'] as const).flatMap((unit) =>
    points.map((point) => {
      const figures = costAt(point)[unit];
      const isFlat = Math.abs(ratioOf(figures, first[unit]) - 1) <= FLAT;
      return toRow(`${what}, turn ${point}`, unit, figures, {
        reference: { what: `turn ${points[0]!}`, figures: first[unit] },
        aim: { text: 'flat within 10 %', met: isFlat },
      });
    }),
  );
}

function toRequestRow({ turns }: LongThread, point: number, requests: ServedRequest[]): Row {
  const { span } = turns[point - 1]!;
  const bytes = requests.filter(({ start }) => span.start <= start && start <= span.end).map((one) => one.bytes);
  return toRow(`model request, turn ${point}`, 'bytes', summarise([Math.max(...bytes)]));
}
