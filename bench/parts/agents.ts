/** The cost of a spawned agent, and of a hundred parallel ones. */
import type { ThreadEvent } from '../../src/contract/index.ts';
import { type BenchThread, driveThread } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { type Row, summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

const AGENTS = 100;
const SPAWN = 'spawn: say: done';
const NOTE = 'the start of a thread, its agent task, its turn, two model steps more of the parent';

export const agents: Part = async (environment, { quick, signal }) => {
  const { warmUp, counted, atOnce } = quick
    ? { warmUp: 1, counted: 5, atOnce: 10 }
    : { warmUp: 3, counted: 40, atOnce: AGENTS };
  await using worker = await environment.bobbin({ env: { BOBBIN_AGENT_MAX_ACTIVE: String(AGENTS) } });
  const start = async () =>
    driveThread(await worker.bobbin.threads.start({ workspace: { cwd: environment.repository } }));
  const plain: number[] = [];
  const spawning: number[] = [];
  for (let round = 0; round < warmUp + counted; round++) {
    signal.throwIfAborted();
    const thread = await start();
    await thread.turn('say: warm');
    const without = lengthOf(await thread.turn('say: one\ncall: list_agents {}\ncall: list_agents {}'));
    const withAgent = lengthOf(await thread.turn(`${SPAWN}\ncall: wait_agent {}`));
    await thread.close();
    if (round < warmUp) continue;
    plain.push(without);
    spawning.push(withAgent);
  }
  const cost = spawning.map((ms, index) => ms - plain[index]!);
  return [
    toRow('a turn that spawns an agent and waits for it', 'ms', summarise(spawning), {
      reference: { what: 'a turn with as many model steps and no agent', figures: summarise(plain) },
    }),
    toRow('cost of a spawned agent', 'ms', summarise(cost), { note: NOTE }),
    ...(await manyAtOnce(await start(), atOnce, environment.progress)),
  ];
};

/** From the turn that spawns them until the parent knows of every end. */
async function manyAtOnce(thread: BenchThread, count: number, progress: (line: string) => void): Promise<Row[]> {
  await thread.turn('say: warm');
  const begin = now();
  const ends = countEnds(thread, count);
  await thread.handle.submit({
    turnId: 'many',
    kind: 'regular',
    input: [{ type: 'text', text: Array.from({ length: count }, () => SPAWN).join('\n') }],
  });
  await ends;
  const ms = now() - begin;
  const { subThreads } = await thread.handle.view();
  const completed = subThreads.filter(({ status }) => status === 'completed').length;
  if (completed !== count) throw new Error(`${completed} of ${count} agents completed`);
  progress(`agents: ${count} have ended`);
  const closing = now();
  await thread.close();
  return [
    toRow(`${count} agents of one thread, until all have ended`, 'ms', summarise([ms])),
    toRow('the same, for each', 'ms', summarise([ms / count])),
    toRow('closing their parent: until it is acknowledged', 'ms', summarise([now() - closing])),
  ];
}

async function countEnds(thread: BenchThread, count: number): Promise<void> {
  const ended = new Set<string>();
  await thread.next((event: ThreadEvent) => {
    if (event.type === 'subThread/updated' && event.subThread.status === 'completed')
      ended.add(event.subThread.threadId);
    return ended.size === count;
  });
}
