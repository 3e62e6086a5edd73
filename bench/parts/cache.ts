/** How much of the model's input an endpoint has in its prompt cache, when a thread is at work for a while. */
import { randomUUID } from 'node:crypto';
import type { ThreadHandle } from '../../src/client/index.ts';
import { toTurn } from '../bobbin-thread.ts';
import { summarise, toRow } from '../figures.ts';
import type { Part } from '../part.ts';

const TURN = 10;
const AIM = 90;
/** A turn reads and changes files, so that the state of the repository is another one each time. */
const textOf = (turn: number) =>
  `run: git log --oneline | head -n 20; ls -la\nrun: echo "line ${turn}" > file-${turn}.txt\nsay: done`;

export const cache: Part = async (environment, { quick, signal }) => {
  await using worker = await environment.bobbin();
  const samples: number[] = [];
  for (let thread = 0; thread < (quick ? 1 : 5); thread++) {
    const handle = await worker.bobbin.threads.start({
      threadId: `cache-${randomUUID()}`,
      workspace: { cwd: environment.repository },
    });
    for (let turn = 1; turn < TURN; turn++) await shareOf(handle, turn, signal);
    samples.push(await shareOf(handle, TURN, signal));
    await handle.close({ reason: 'the bench is done with it' });
  }
  const measured = summarise(samples);
  return [
    toRow(`share of cached input tokens in turn ${TURN}`, '%', measured, {
      aim: { text: `at least ${AIM} %`, met: measured.median >= AIM },
      note: 'three model calls a turn; the offline server counts what a request shares with earlier ones of its thread',
    }),
  ];
};

async function shareOf(handle: ThreadHandle, turn: number, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  const submission = toTurn(textOf(turn));
  await handle.submit(submission);
  const { status, usage } = await handle.completion(submission.turnId);
  if (status !== 'completed') throw new Error(`Turn ${turn} of the bench ended as ${status}`);
  return (usage.cachedInputTokens / usage.inputTokens) * 100;
}
