/** `bobbin thread compact`: compacts the context of a thread and follows the turn. */
import { randomUUID } from 'node:crypto';
import type { Bobbin } from '../../../client/index.ts';
import type { OnBusy } from '../../../contract/index.ts';
import type { CommonOptions } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { submitAndWait } from './submit-and-wait.ts';

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
  const { onBusy } = options;
  if (options.wait) return submitAndWait(bobbin, output, thread, options.turnId, { turnId, kind: 'compact', onBusy });
  await thread.compact({ turnId, onBusy });
  output.result({ threadId, turnId }, [`turn ${turnId} submitted to thread ${threadId}`]);
  return EXIT.ok;
}
