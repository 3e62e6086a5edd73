/** `bobbin thread requests`: prints the open requests of a thread in full. */
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderRequest } from '../text/render-request.ts';

/** @param options the first argument names one request; without it, all open ones are shown. */
export async function requests(
  bobbin: Bobbin,
  output: Output,
  threadId: string,
  { args: [requestId] }: { args: string[] },
): Promise<number> {
  const thread = bobbin.threads.get(threadId);
  const { openRequests } = await thread.view();
  const chosen = openRequests.filter((open) => requestId === undefined || open.requestId === requestId);
  if (requestId !== undefined && chosen.length === 0)
    throw new BobbinError('requestNotOpen', `Thread ${threadId} has no open request ${requestId}.`);
  const found = await Promise.all(chosen.map((open) => thread.wholeRequest(open)));
  const lines = found.flatMap((open) => renderRequest(open, threadId));
  output.result(found, lines.length > 0 ? lines : ['no request is open']);
  return EXIT.ok;
}
