/** What an idle thread holds in its worker, and how long a thread takes to come back that no worker holds. */
import { driveThread } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { type Row, summarise, toRow } from '../figures.ts';
import { LONG_TEXT, type LongThread, growThread } from '../long-thread.ts';
import type { Part } from '../part.ts';
import type { Memory } from '../processes/probe.ts';
import type { BobbinWorker, TestEnvironment } from '../environment.ts';

const TEXT = 'say: done';
const AIM_KIB = 300;

export const memory: Part = async (environment, options) => [
  ...(await measureIdleThreads(environment, options)),
  ...(await measureResume(environment, options)),
];

interface Filling {
  threads: number;
  /** JSON of all their items. */
  itemBytes: number;
  memory: Memory;
}

async function measureIdleThreads(
  environment: TestEnvironment,
  { quick, signal }: Parameters<Part>[1],
): Promise<Row[]> {
  const [few, many] = quick ? [20, 60] : [50, 300];
  await using worker = await environment.bobbin({ probed: true });
  let itemBytes = 0;
  let threads = 0;
  const fillTo = async (wanted: number): Promise<Filling> => {
    while (threads < wanted) {
      signal.throwIfAborted();
      itemBytes += await addThread(worker, environment.repository);
      threads += 1;
    }
    return { threads, itemBytes, memory: await worker.child.ask<Memory>({ type: 'memory' }) };
  };
  const before = await fillTo(few);
  environment.progress(`memory: ${few} threads`);
  const after = await fillTo(many);
  const added = after.threads - before.threads;
  const itemsKiB = (after.itemBytes - before.itemBytes) / added / 1024;
  const perThread = (of: (memory: Memory) => number) => (of(after.memory) - of(before.memory)) / added / 1024;
  // Without the thread that runs workflows, what is measured is not what was asked.
  if (after.memory.threads < 2) throw new Error('The probe did not see the thread that runs workflows');
  const heap = perThread(({ heapBytes }) => heapBytes) - itemsKiB;
  const resident = perThread(({ rssBytes }) => rssBytes) - itemsKiB;
  const note = `from ${few} to ${many} threads of one turn; their items, ${itemsKiB.toFixed(1)} KiB each, are taken off`;
  const aim = { text: `below ${AIM_KIB} KiB`, met: heap < AIM_KIB };
  return [
    toRow('idle cached thread, heap', 'KiB', summarise([heap]), { aim, note }),
    toRow('idle cached thread, resident', 'KiB', summarise([resident]), { note }),
  ];
}

/** Bytes of its items. */
async function addThread({ bobbin }: BobbinWorker, cwd: string): Promise<number> {
  const thread = driveThread(await bobbin.threads.start({ workspace: { cwd } }));
  await thread.turn(TEXT);
  let bytes = 0;
  for await (const item of thread.handle.items()) bytes += JSON.stringify(item).length;
  return bytes;
}

interface Samples {
  cachedQuery: number[];
  /** First query of the long thread at a worker that has run something already. */
  replayQuery: number[];
  /** First turn of a thread of few turns at a worker that has just started. */
  shortThread: number[];
  stopped: number[];
  killed: number[];
}

async function measureResume(environment: TestEnvironment, { quick, signal }: Parameters<Part>[1]): Promise<Row[]> {
  const { turns, rounds } = quick ? { turns: 100, rounds: 1 } : { turns: 1_000, rounds: 10 };
  let worker = await environment.bobbin();
  const long = await growThread(environment, worker.bobbin, (so) => {
    signal.throwIfAborted();
    return so.turns.length < turns || !isInMiddleOfRun(so);
  });
  const { thread } = long;
  const short = driveThread(await worker.bobbin.threads.start({ workspace: { cwd: environment.repository } }));
  await short.turn(TEXT);
  const { taskQueue } = worker;
  const samples: Samples = { cachedQuery: [], replayQuery: [], shortThread: [], stopped: [], killed: [] };
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    samples.cachedQuery.push(await timeOf(() => thread.handle.view()));

    await worker.child.stop();
    worker = await environment.bobbin({ taskQueue });
    samples.shortThread.push(lengthOf(await short.turn(TEXT)));
    samples.replayQuery.push(await timeOf(() => thread.handle.view()));

    await worker.child.stop();
    worker = await environment.bobbin({ taskQueue });
    samples.stopped.push(lengthOf(await thread.turn(LONG_TEXT)));

    await worker.child.kill();
    worker = await environment.bobbin({ taskQueue });
    samples.killed.push(lengthOf(await thread.turn(LONG_TEXT)));
    environment.progress(`memory: thread resumed, ${round + 1} of ${rounds} rounds`);
  }
  await thread.close();
  await short.close();
  await worker.child.stop();
  return toResumeRows(long, samples);
}

/** So that every round has much to replay, and none of them begins a new run. */
function isInMiddleOfRun({ turns }: LongThread): boolean {
  const { events } = turns.at(-1) ?? { events: 0 };
  return events >= 1_000 && events < 1_200;
}

function toResumeRows({ turns }: LongThread, samples: Samples): Row[] {
  const length = `${turns.length} turns`;
  const replayed = `this run of the thread has about ${turns.at(-1)!.events} events, each replayed`;
  const reference = { what: 'a thread of few turns, the same', figures: summarise(samples.shortThread) };
  return [
    toRow(`first turn at a new worker, old one stopped, ${length}`, 'ms', summarise(samples.stopped), {
      reference,
      note: `${replayed}; the whole conversation is read again, the archive included`,
    }),
    toRow(`first turn at a new worker, old one killed, ${length}`, 'ms', summarise(samples.killed), {
      reference,
      note: 'the service first waits a second for the worker that is gone (sticky queue)',
    }),
    toRow(`first query, not cached, ${length}`, 'ms', summarise(samples.replayQuery), {
      reference: { what: 'the same, cached', figures: summarise(samples.cachedQuery) },
      note: `the part of the replay: ${replayed}, by a worker that has run another thread before`,
    }),
  ];
}

async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const start = now();
  await call();
  return now() - start;
}
