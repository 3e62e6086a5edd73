/** What an idle thread holds in its worker, and how long a thread takes to come back that no worker holds. */
import { driveThread } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { type Row, summarise, toRow } from '../figures.ts';
import { LONG_TEXT, growThread } from '../long-thread.ts';
import type { Part } from '../part.ts';
import type { Memory } from '../processes/probe.ts';
import type { BobbinWorker, Stand } from '../stand.ts';

const TEXT = 'say: done';
const AIM_KIB = 300;

export const memory: Part = async (stand, options) => [
  ...(await measureIdleThreads(stand, options)),
  ...(await measureResume(stand, options)),
];

interface Filling {
  threads: number;
  /** JSON of all their items. */
  itemBytes: number;
  memory: Memory;
}

async function measureIdleThreads(stand: Stand, { quick, signal }: Parameters<Part>[1]): Promise<Row[]> {
  const [few, many] = quick ? [20, 60] : [50, 300];
  await using worker = await stand.bobbin({ probed: true });
  let itemBytes = 0;
  let threads = 0;
  const fillTo = async (wanted: number): Promise<Filling> => {
    while (threads < wanted) {
      signal.throwIfAborted();
      itemBytes += await addThread(worker, stand.repository);
      threads += 1;
    }
    return { threads, itemBytes, memory: await worker.child.ask<Memory>({ type: 'memory' }) };
  };
  const before = await fillTo(few);
  stand.progress(`memory: ${few} threads`);
  const after = await fillTo(many);
  const added = after.threads - before.threads;
  const itemsKiB = (after.itemBytes - before.itemBytes) / added / 1024;
  const perThread = (of: (memory: Memory) => number) => (of(after.memory) - of(before.memory)) / added / 1024;
  const heap = perThread(({ heapBytes }) => heapBytes) - itemsKiB;
  const resident = perThread(({ rssBytes }) => rssBytes) - itemsKiB;
  const note = `from ${few} to ${many} threads of one turn; their items, ${itemsKiB.toFixed(1)} KiB each, are taken off`;
  const aim = (kib: number) => ({ text: `below ${AIM_KIB} KiB`, met: kib < AIM_KIB });
  return [
    toRow('idle cached thread, heap', 'KiB', summarise([heap]), { aim: aim(heap), note }),
    toRow('idle cached thread, resident', 'KiB', summarise([resident]), { aim: aim(resident), note }),
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

async function measureResume(stand: Stand, { quick, signal }: Parameters<Part>[1]): Promise<Row[]> {
  const { turns, rounds } = quick ? { turns: 100, rounds: 2 } : { turns: 1_000, rounds: 10 };
  let worker = await stand.bobbin();
  const long = await growThread(stand, worker.bobbin, (so) => {
    signal.throwIfAborted();
    return so.turns.length < turns;
  });
  const { thread } = long;
  const { taskQueue } = worker;
  const samples = {
    cached: [] as number[],
    stopped: [] as number[],
    killed: [] as number[],
    query: [] as number[],
    cachedQuery: [] as number[],
  };
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    samples.cached.push(lengthOf(await thread.turn(LONG_TEXT)));
    samples.cachedQuery.push(await timeOf(() => thread.handle.view()));

    await worker.child.stop();
    worker = await stand.bobbin({ taskQueue });
    samples.stopped.push(lengthOf(await thread.turn(LONG_TEXT)));

    await worker.child.stop();
    worker = await stand.bobbin({ taskQueue });
    samples.query.push(await timeOf(() => thread.handle.view()));
    // The next kill shall find a thread that is cached.
    await thread.turn(LONG_TEXT);

    await worker.child.kill();
    worker = await stand.bobbin({ taskQueue });
    samples.killed.push(lengthOf(await thread.turn(LONG_TEXT)));
  }
  await thread.close();
  await worker.child.stop();
  const { events } = long.turns.at(-1)!;
  const cached = { what: `the same, cached`, figures: summarise(samples.cached) };
  const replayed = `replays about ${events} events`;
  return [
    toRow(`first turn after a worker stopped, ${turns} turns`, 'ms', summarise(samples.stopped), {
      reference: cached,
      note: `${replayed} and reads the whole conversation again, the archive included`,
    }),
    toRow(`first turn after a worker was killed, ${turns} turns`, 'ms', summarise(samples.killed), {
      reference: cached,
      note: 'the service first waits a second for the worker that is gone (sticky queue)',
    }),
    toRow(`first query of a thread that is not cached, ${turns} turns`, 'ms', summarise(samples.query), {
      reference: { what: 'the same, cached', figures: summarise(samples.cachedQuery) },
      note: `${replayed}: this is the part of the replay`,
    }),
  ];
}

async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const start = now();
  await call();
  return now() - start;
}
