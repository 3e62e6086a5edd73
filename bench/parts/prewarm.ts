/** The first turn of a thread whose agent task was registered while the person typed, and of one that had no time to. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bobbin } from '../../src/client/index.ts';
import { type BenchThread, driveThread, isEndOf, toTurn } from '../bobbin-thread.ts';
import { lengthOf, now } from '../clock.ts';
import { summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

/** How long the identity service takes for a registration. */
const REGISTRATION_MS = 300;
/** From the start of a thread to its first turn, as a person types. */
const TYPING_MS = 500;
const TEXT = 'say: done';

export const prewarm: Part = async (environment, { quick, signal }) => {
  const { warmUp, counted } = quick ? { warmUp: 1, counted: 5 } : { warmUp: 3, counted: 40 };
  await using worker = await environment.bobbin();
  const { bobbin } = worker;
  const workspace = { cwd: environment.repository };
  // The identity itself is registered once for all threads; what is measured is the task of each.
  const earlier = driveThread(await bobbin.threads.start({ workspace }));
  await earlier.turn(TEXT);
  await earlier.close();
  await environment.delayRegistrations(REGISTRATION_MS);

  const prewarmed: number[] = [];
  const cold: number[] = [];
  const second: number[] = [];
  for (let round = 0; round < warmUp + counted; round++) {
    signal.throwIfAborted();
    const counts = round >= warmUp;
    const thread = driveThread(await bobbin.threads.start({ workspace }));
    await sleep(TYPING_MS);
    const first = lengthOf(await thread.turn(TEXT));
    const next = lengthOf(await thread.turn(TEXT));
    await thread.close();
    const atOnce = await startWithTurn(bobbin, environment.repository);
    await atOnce.thread.close();
    if (!counts) continue;
    prewarmed.push(first);
    second.push(next);
    cold.push(atOnce.ms);
  }
  await environment.delayRegistrations(0);
  const reference = { what: 'start and turn together, nothing prewarmed', figures: summarise(cold) };
  const note = `a registration takes ${REGISTRATION_MS} ms; ${TYPING_MS} ms pass between start and turn`;
  const withPrewarm = summarise(prewarmed);
  const saved = reference.figures.median - withPrewarm.median;
  const aim = { text: `saves ${REGISTRATION_MS} ms`, met: saved >= REGISTRATION_MS };
  return [
    toRow('first turn, prewarmed', 'ms', withPrewarm, { reference, aim, note }),
    toRow('first turn, prewarmed', 'ms', withPrewarm, {
      reference: { what: 'second turn of the same thread', figures: summarise(second) },
    }),
  ];
};

async function startWithTurn(bobbin: Bobbin, cwd: string): Promise<{ thread: BenchThread; ms: number }> {
  const turn = toTurn(TEXT);
  const start = now();
  const handle = await bobbin.threads.startWith({ threadId: randomUUID(), workspace: { cwd } }, turn);
  const thread = driveThread(handle);
  await thread.next((event) => isEndOf(event, turn.turnId));
  return { thread, ms: now() - start };
}
