/** `bobbin thread move`: lets a thread work in another place. */
import type { Bobbin } from '../../../client/index.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderReceipt } from '../text/render-move.ts';
import { line } from '../text/terminal-text.ts';

export interface MoveOptions {
  host?: string;
  cwd?: string;
}

export async function move(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  { host, cwd }: MoveOptions,
): Promise<number> {
  const wanted = { ...(host === undefined ? {} : { host }), ...(cwd === undefined ? {} : { cwd }) };
  const moved = await bobbin.threads.get(threadId).move(wanted);
  const { from, to } = moved;
  output.result({ threadId, ...moved }, [
    line`thread ${threadId} works in ${to.cwd} on host ${to.host}; before: ${from.cwd} on host ${from.host}`,
    ...renderReceipt(moved),
  ]);
  return EXIT.ok;
}
