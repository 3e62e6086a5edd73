/** `bobbin run "<prompt>"`: runs one turn on a new or an existing thread. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import type { ApprovalPolicy, SandboxMode } from '../../../contract/index.ts';
import { type BudgetOptions, addBudgetOptions, toBudget } from './budget-options.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { APPROVAL_POLICIES, SANDBOX_MODES, choice } from '../option-values.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { watchThread } from './watch.ts';

interface RunOptions extends CommonOptions, BudgetOptions {
  thread?: string;
  cwd: string;
  model?: string;
  sandbox?: SandboxMode;
  approvalPolicy?: ApprovalPolicy;
  unattended?: 'accept' | 'decline' | 'cancel';
}

export function addRunCommand(program: Command): void {
  addBudgetOptions(program.command('run'))
    .argument('<prompt>', 'what the agent should do')
    .description('run one turn, follow it, and exit with its status')
    .option('--thread <id>', 'continue this thread')
    .option('--cwd <path>', 'workspace of the new thread', '.')
    .option('--model <name>', 'model, or provider/model')
    .addOption(choice('--sandbox <mode>', 'what commands may write', SANDBOX_MODES))
    .addOption(choice('--approval-policy <policy>', 'when to ask before a command', APPROVAL_POLICIES))
    .addOption(choice('--unattended <answer>', 'answer every approval with', ['accept', 'decline', 'cancel']))
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print events as lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin run "run the tests and fix what fails"\n  bobbin run --thread my-thread "now the docs"\n  bobbin run --budget-usd 2 --budget-seconds 600 "make the tests pass"',
    )
    .action((prompt: string, options: RunOptions) =>
      withBobbin(options, (bobbin, output) => run(bobbin, output, prompt, options)),
    );
}

async function run(bobbin: Bobbin, output: Output, prompt: string, options: RunOptions): Promise<number> {
  const signal = interruptSignal();
  const turn = {
    turnId: `turn-${randomUUID()}`,
    kind: 'regular' as const,
    input: [{ type: 'text' as const, text: prompt }],
  };
  const { thread, after } = await submit(bobbin, turn, options);
  output.say(`thread ${thread.threadId}`);
  const end = await watchThread(thread, output, { after, signal, untilTurn: turn.turnId });
  if (end !== undefined) return exitCodeOfTurn(end);
  if (!signal.aborted) return EXIT.turnAborted;
  await thread.interrupt({ turnId: turn.turnId, reason: 'Ctrl-C' });
  output.say('interrupted; the thread is still open');
  return EXIT.interrupted;
}

type Turn = Parameters<ThreadHandle['submit']>[0];

async function submit(
  bobbin: Bobbin,
  turn: Turn,
  options: RunOptions,
): Promise<{ thread: ThreadHandle; after: number }> {
  if (options.thread !== undefined) {
    const thread = bobbin.threads.get(await bobbin.threads.find(options.thread));
    const { lastSeq } = await thread.view();
    const budget = toBudget(options, 'turn');
    await thread.submit(budget === undefined ? turn : { ...turn, overrides: { budget } });
    return { thread, after: lastSeq };
  }
  const budget = toBudget(options, 'tree');
  const start: NewThread = {
    workspace: { cwd: resolve(options.cwd) },
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.sandbox === undefined ? {} : { sandbox: options.sandbox }),
    ...(options.approvalPolicy === undefined ? {} : { approvalPolicy: options.approvalPolicy }),
    ...(options.unattended === undefined ? {} : { unattended: { approvals: options.unattended } }),
    ...(budget === undefined ? {} : { budget }),
  };
  return { thread: await bobbin.threads.startWith(start, turn), after: 0 };
}
