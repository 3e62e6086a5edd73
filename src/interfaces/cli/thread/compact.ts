/** `bobbin thread compact`: compacts the context of a thread and follows the turn. */
import { randomUUID } from 'node:crypto';
import type { Bobbin } from '../../../client/index.ts';
import type { OnBusy } from '../../../contract/index.ts';
import { type CommonOptions, interruptSignal } from '../command.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { watchThread } from './watch.ts';

export interface CompactOptions extends CommonOptions {
  onBusy: OnBusy;
  turnId?: string;
  wait: boolean;
}

export async function compact(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  options: CompactOptions,
): Promise<number> {
  const thread = bobbin.threads.get(threadId);
  const turnId = options.turnId ?? `compact-${randomUUID()}`;
  const after = options.wait ? (await thread.view()).lastSeq : 0;
  const { onBusy } = options;
  await (options.wait ? thread.startTurn({ turnId, kind: 'compact', onBusy }) : thread.compact({ turnId, onBusy }));
  if (!options.wait) {
    output.result({ threadId, turnId }, [`turn ${turnId} submitted to thread ${threadId}`]);
    return EXIT.ok;
  }
  const end = await watchThread(thread, output, { after, signal: interruptSignal(), untilTurn: turnId, bobbin });
  return end === undefined ? EXIT.interrupted : exitCodeOfTurn(end);
}
