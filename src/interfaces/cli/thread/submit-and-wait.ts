/** Submits a turn and follows it to its end. */
import type { Bobbin, ThreadHandle } from '../../../client/index.ts';
import type { ThreadEvent } from '../../../contract/index.ts';
import { interruptSignal } from '../command.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderEvent } from '../text/render.ts';
import { watchThread } from './watch.ts';

type Turn = Parameters<ThreadHandle['submit']>[0];

/** @param given the id of the turn if the person gave it: it may be that of a turn that has ended, whose end is then the result */
export async function submitAndWait(
  bobbin: Bobbin,
  output: Output,
  thread: ThreadHandle,
  given: string | undefined,
  turn: Turn,
): Promise<number> {
  const signal = interruptSignal();
  // Read first, so that an end that comes meanwhile is among the events after it.
  const { lastSeq: after } = await thread.view();
  const { readTurn } = await import('../../../client/threads/turn-state.ts');
  const earlier = given === undefined ? undefined : await readTurn(thread, given);
  if (earlier?.status === 'ended') {
    const { seq, endedAt: at, turn: completion } = earlier;
    const event: ThreadEvent = { seq, at, type: 'turn/completed', turn: completion };
    output.event(event, renderEvent(event, thread.threadId));
    return exitCodeOfTurn(completion);
  }
  await thread.submit(turn);
  const untilTurn = earlier?.status === 'working' ? earlier.turnId : turn.turnId;
  const end = await watchThread(thread, output, { after, signal, untilTurn, bobbin });
  if (end !== undefined) return exitCodeOfTurn(end);
  return signal.aborted ? EXIT.interrupted : EXIT.turnAborted;
}
