/** `bobbin thread list`: prints the threads with their state, what they wait for, their age and their cost. */
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { ThreadSummary, WaitingFor } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { shorten } from '../../../contract/plain/foreign-text.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { positive } from '../option-values.ts';
import { columns } from '../text/columns.ts';
import { describeAge } from '../text/durations.ts';
import type { Output } from '../text/output.ts';
import { type Part, paint } from '../text/terminal-text.ts';

interface ListOptions extends CommonOptions {
  open?: true;
  waiting?: true;
  agents?: true;
  limit: number;
}

export function addListCommand(thread: Command): void {
  thread
    .command('list')
    .description('list threads, newest first, with what they wait for')
    .option('--open', 'only threads that are not closed')
    .option('--waiting', 'only threads that wait for a person')
    .option('--agents', 'also threads that another workflow started: agents, reviews, targets of batches')
    .option('--limit <n>', 'maximum number of threads', positive, 50)
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin thread list --waiting')
    .action((options: ListOptions) => withBobbin(options, (bobbin, output) => list(bobbin, output, options)));
}

async function list(bobbin: Bobbin, output: Output, options: ListOptions): Promise<number> {
  const { open = false, waiting = false, agents = false, limit } = options;
  const threads = await bobbin.threads.list({ open, waiting, agents, limit, ask: true });
  output.result(threads, threads.length === 0 ? ['no threads'] : toTable(threads));
  return EXIT.ok;
}

const TITLE_CHARS = 60;
const WAITING_CHARS = 50;

function toTable(threads: readonly ThreadSummary[]): Part[] {
  const shown = shortIds(threads.map(({ threadId }) => threadId));
  const [head = '', ...rows] = columns([
    ['THREAD', 'STATUS', 'AGE', 'COST', 'WAITS FOR', 'TITLE'],
    ...threads.map((thread, index) => [
      shown[index] ?? thread.threadId,
      thread.status,
      describeAge(Date.now() - thread.createdAt.getTime()),
      thread.costUsd === null ? '-' : toDollars(Math.round(thread.costUsd * 1_000_000)),
      cut(toWords(thread), WAITING_CHARS),
      cut(thread.title, TITLE_CHARS),
    ]),
  ]);
  return [paint.dim(head.trimEnd()), ...rows.map((row) => row.trimEnd())];
}

function toWords({ waitsFor, waitsForPerson }: ThreadSummary): string {
  if (waitsFor === null) return waitsForPerson === true ? 'you' : '';
  return `${WHO[waitsFor.who]}${waitsFor.what}`;
}

const WHO: Record<WaitingFor['who'], string> = { person: 'you: ', bobbin: '' };

function cut(text: string, chars: number): string {
  const { text: begun, left } = shorten(text, chars);
  return left === 0 ? begun : `${begun}…`;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UUID_BEGINNING = 8;

/** The beginning of an id is enough for every command, so random ones are shown by theirs. */
function shortIds(ids: readonly string[]): string[] {
  const beginnings = ids.map((id) => (UUID.test(id) ? id.slice(0, UUID_BEGINNING) : id));
  return ids.map((id, index) => {
    const short = beginnings[index] ?? id;
    return beginnings.filter((one) => one === short).length === 1 ? short : id;
  });
}
