/** `bobbin requests` and `bobbin thread requests`: print open requests in full, of all threads or of one. */
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { renderRequest } from '../text/render-request.ts';
import { paint } from '../text/terminal-text.ts';

export function addRequestsCommand(program: Command): void {
  program
    .command('requests')
    .description('show everything that waits for a person, in all threads, and how to answer')
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin requests')
    .action((options: CommonOptions) => withBobbin(options, allRequests));
}

async function allRequests(bobbin: Bobbin, output: Output): Promise<number> {
  const { open, unread } = await bobbin.threads.requests();
  const lines = open.flatMap(({ thread, request }) => [
    paint.bold(`thread ${thread.threadId}${thread.title === '' ? '' : `: ${thread.title}`}`),
    ...renderRequest(request, thread.threadId),
    '',
  ]);
  output.result({ open, unread }, open.length + unread.length === 0 ? ['no request is open'] : lines);
  for (const threadId of unread) output.progress(`thread ${threadId} waits for a person, and did not answer in time`);
  return unread.length === 0 ? EXIT.ok : EXIT.unavailable;
}

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
