/** Turns per second of parallel threads, in blocks that alternate with the bare workflow. */
import { startBareThread } from '../bare/bare-thread.ts';
import { driveThread, toTurn } from '../bobbin-thread.ts';
import { type Span, lengthOf, now } from '../clock.ts';
import { ratioOf, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

const THREADS = 50;
const TEXT = 'say: done';

interface Block {
  turnsPerSecond: number;
  turnMs: number[];
}

export const throughput: Part = async (environment, { quick, signal }) => {
  const { blocks, seconds } = quick ? { blocks: 1, seconds: 4 } : { blocks: 5, seconds: 10 };
  await using worker = await environment.bobbin();
  await using bareWorker = await environment.bare();
  const workspace = { cwd: environment.repository };
  const many = <T>(one: () => Promise<T>) => Promise.all(Array.from({ length: THREADS }, one));
  const threads = await many(async () => driveThread(await worker.bobbin.threads.start({ workspace })));
  const bares = await many(() => startBareThread(bareWorker.service));
  const bobbinTurns = threads.map((thread) => () => thread.turn(TEXT));
  const bareTurns = bares.map((bare) => () => bare.turn(toTurn(TEXT)));
  // The first turns register agent tasks and open connections.
  await Promise.all([...bobbinTurns, ...bareTurns].map((turn) => turn()));

  const bobbinBlocks: Block[] = [];
  const bareBlocks: Block[] = [];
  for (let block = 0; block < blocks; block++) {
    signal.throwIfAborted();
    bobbinBlocks.push(await runBlock(bobbinTurns, seconds));
    bareBlocks.push(await runBlock(bareTurns, seconds));
    environment.progress(`throughput: ${block + 1} of ${blocks} blocks`);
  }
  await Promise.all([...threads, ...bares].map((thread) => thread.close()));

  const rate = (from: Block[]) => summarise(from.map(({ turnsPerSecond }) => turnsPerSecond));
  const waits = (from: Block[]) => summarise(from.flatMap(({ turnMs }) => turnMs));
  const what = `bare workflow, ${THREADS} parallel`;
  const times = ratioOf(rate(bobbinBlocks), rate(bareBlocks));
  return [
    toRow(`${THREADS} parallel threads`, 'turns/s', rate(bobbinBlocks), {
      reference: { what, figures: rate(bareBlocks) },
      note: `blocks of ${seconds} s; ${times.toFixed(2)} of the bare workflow's turns`,
    }),
    toRow(`turn, ${THREADS} parallel threads`, 'ms', waits(bobbinBlocks), {
      reference: { what, figures: waits(bareBlocks) },
    }),
  ];
};

/** Every thread runs turn after turn until the time is up; turns that end later do not count. */
async function runBlock(turns: (() => Promise<Span>)[], seconds: number): Promise<Block> {
  const until = now() + seconds * 1_000;
  const turnMs: number[] = [];
  await Promise.all(
    turns.map(async (turn) => {
      while (now() < until) {
        const span = await turn();
        if (span.end <= until) turnMs.push(lengthOf(span));
      }
    }),
  );
  return { turnsPerSecond: turnMs.length / seconds, turnMs };
}
