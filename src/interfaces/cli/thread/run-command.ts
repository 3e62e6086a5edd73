/** `bobbin run "<prompt>"`: runs one turn on a new or an existing thread. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Bobbin, NewThread, ThreadHandle } from '../../../client/index.ts';
import type { ApprovalPolicy, SandboxMode } from '../../../contract/index.ts';
import { toHostWaitWords } from '../../../contract/plain/words/waiting-words.ts';
import { type BudgetOptions, addBudgetOptions, toBudget } from './budget-options.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { type ModelFlags, addModelOptions, modelFlagsOf } from '../model-options.ts';
import { APPROVAL_POLICIES, SANDBOX_MODES, choice } from '../option-values.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import { imageOption, toInput } from '../image-files.ts';
import { asStarted } from '../invocation.ts';
import { isServed } from '../served.ts';
import type { Output } from '../text/output.ts';
import { shellWord } from '../text/shell-word.ts';
import { type WorkspaceOptions, addWorkspaceOptions, newWorkspace } from './new-workspace.ts';
import { watchThread } from './watch.ts';

interface RunOptions extends CommonOptions, BudgetOptions, ModelFlags, WorkspaceOptions {
  thread?: string;
  sandbox?: SandboxMode;
  approvalPolicy?: ApprovalPolicy;
  image?: string[];
  unattended?: 'accept' | 'decline' | 'cancel';
}

export function addRunCommand(program: Command): void {
  const command = addModelOptions(addBudgetOptions(program.command('run')))
    .argument('<prompt>', 'what the agent should do')
    .description('run one turn, follow it, and exit with its status')
    .option(...imageOption)
    .option('--thread <id>', 'continue this thread');
  addWorkspaceOptions(command)
    .addOption(choice('--sandbox <mode>', 'what commands may write', SANDBOX_MODES))
    .addOption(choice('--approval-policy <policy>', 'when to ask before a command', APPROVAL_POLICIES))
    .addOption(
      choice('--unattended <answer>', 'answer every approval of the new thread with', [
        'accept',
        'decline',
        'cancel',
      ]).conflicts('thread'),
    )
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print events as lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin run "run the tests and fix what fails"\n  bobbin run --thread my-thread "now the docs"\n  bobbin run --image shot.png "what is wrong here?"\n  bobbin run --host build-2 --cwd /srv/shop "run the tests"\n  bobbin run --repository https://git.example.com/team/shop.git --ref develop "run the tests"\n  bobbin run --budget-usd 2 --budget-seconds 600 "make the tests pass"',
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
    input: await toInput(bobbin, prompt, options.image),
  };
  const { thread, after } = await submit(bobbin, turn, options);
  output.say(`thread ${thread.threadId}`);
  const end = await watchThread(thread, output, { after, signal, untilTurn: turn.turnId, bobbin });
  if (end !== undefined) return exitCodeOfTurn(end);
  if (!signal.aborted) return EXIT.turnAborted;
  const { served, words } = await interruptTurn(bobbin, thread, turn.turnId);
  output.say(`${words}; ${served ? await describeRest(thread) : STILL_OPEN}`);
  return EXIT.interrupted;
}

/** After Ctrl-C. Without a worker it is durable, and not waited for. */
export async function interruptTurn(
  bobbin: Bobbin,
  thread: ThreadHandle,
  turnId: string,
): Promise<{ served: boolean; words: string }> {
  const interrupt = { turnId, reason: 'Ctrl-C' };
  const served = await isServed(bobbin);
  await (served ? thread.interrupt(interrupt) : thread.requestInterrupt(interrupt));
  return { served, words: served ? 'interrupted' : 'to be interrupted when a worker serves it' };
}

const STILL_OPEN = 'the thread is still open';

/** What the thread goes on with. */
async function describeRest(thread: ThreadHandle): Promise<string> {
  const opening = await thread.opening().catch(() => null);
  if (opening?.waitsFor == null) return STILL_OPEN;
  const close = asStarted(`thread close ${shellWord(thread.threadId)}`);
  return `the thread still waits for ${toHostWaitWords(opening.waitsFor)}. To end that: ${close}`;
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
    const overrides = { ...settingsOf(options), ...(budget === undefined ? {} : { budget }) };
    await thread.submit({ ...turn, overrides });
    return { thread, after: lastSeq };
  }
  const budget = toBudget(options, 'tree');
  const start: NewThread = {
    workspace: await newWorkspace(bobbin, options),
    ...settingsOf(options),
    ...(options.unattended === undefined ? {} : { unattended: { approvals: options.unattended } }),
    ...(budget === undefined ? {} : { budget }),
  };
  return { thread: await bobbin.threads.startWith(start, turn), after: 0 };
}

/** On an existing thread they are in force from this turn on. */
function settingsOf({ sandbox, approvalPolicy, ...options }: RunOptions) {
  return {
    ...modelFlagsOf(options),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(approvalPolicy === undefined ? {} : { approvalPolicy }),
  };
}
