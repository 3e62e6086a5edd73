/** `bobbin thread ...`: inspects and drives threads. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type { OnBusy, SubmitTurn, TreeCursor, TurnKind } from '../../../contract/index.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { type ModelFlags, addModelOptions, modelFlagsOf } from '../model-options.ts';
import { APPROVAL_POLICIES, SANDBOX_MODES, choice, natural, positive, treeCursorOption } from '../option-values.ts';
import { EXIT } from '../exit-codes.ts';
import { IMAGE_FLAGS, collect, imageOption, toInput } from '../image-files.ts';
import type { Output } from '../text/output.ts';
import { type CompactOptions, compact } from './compact.ts';
import { addListCommand } from './list.ts';
import { type QueueOptions, queue } from './queue.ts';
import { requests } from './requests.ts';
import { type RulesOptions, rules } from './rules.ts';
import { agents } from './agents.ts';
import { type ApproveOptions, approve } from './approve.ts';
import { type ForkOptions, fork } from './fork.ts';
import { type MoveOptions, move } from './move.ts';
import { type ResumeOptions, resume } from './resume.ts';
import { show } from './show.ts';
import { redo, rollback, undo } from './undo.ts';
import { submitAndWait } from './submit-and-wait.ts';
import { watchThread } from './watch.ts';
import { watchTree } from './watch-tree.ts';

type Body<O> = (bobbin: Bobbin, output: Output, threadId: string, options: O) => Promise<number>;

export function addThreadCommands(program: Command): void {
  const thread = program.command('thread').description('inspect and drive threads');
  const command = <O extends object>(name: string, description: string, example: string, body: Body<O>): Command =>
    thread
      .command(name)
      .argument('<threadId>')
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin thread ${example}`)
      .action((threadId: string, ...rest: unknown[]) => {
        const self = rest.at(-1) as Command;
        const options = { ...self.opts<O & CommonOptions>(), args: self.args.slice(1) };
        return withBobbin(options, async (bobbin, output) =>
          body(bobbin, output, await bobbin.threads.find(threadId), options),
        );
      });

  addListCommand(thread);
  command('show', 'show the state of a thread in words', 'show my-thread', show);
  const sent = command<SendOptions>('send', 'submit a turn', 'send my-thread "run the tests" --on-busy queue', send);
  addModelOptions(sent, 'from this turn on: ')
    .argument('[text]')
    .option(...imageOption)
    .addOption(choice('--kind <kind>', 'what the turn does', ['regular', 'user_shell'], 'regular'))
    .option('--task <name>', 'run this task of the worker with the text, instead of a turn of --kind')
    .addOption(choice('--on-busy <what>', 'if a turn is active', ['replace', 'steer', 'queue', 'reject']))
    .option('--turn-id <id>', 'idempotency key: the same id sent twice is one turn')
    .option('--wait', 'follow the turn and exit with its status');
  command<SteerOptions>('steer', 'add input to the active turn', 'steer my-thread "only the unit tests"', steer)
    .argument('<text>')
    .option(...imageOption)
    .option('--turn <id>', 'the turn that must be active (default: the active one)');
  command<InterruptOptions>(
    'interrupt',
    'stop the active turn and what it left running, and wait until both have stopped',
    'interrupt my-thread',
    interrupt,
  )
    .option('--turn <id>', 'only this turn')
    .option('--tree', 'also the agents below, even if no turn is active here')
    .option('--keep-sessions', 'not the commands that were left running')
    .option('--reason <text>');
  command<CompactOptions>(
    'compact',
    'replace the older conversation by a summary, and follow the turn',
    'compact my-thread',
    compact,
  )
    .option('--no-wait', 'return as soon as it is submitted')
    .addOption(choice('--on-busy <what>', 'if a turn is active', ['queue', 'replace', 'reject'], 'queue'))
    .option('--turn-id <id>', 'idempotency key: the same id sent twice is one turn');
  const queued = command<QueueOptions>(
    'queue',
    'list the queued turns in order; edit, move or drop one',
    'queue my-thread --move turn-2 --before turn-1',
    queue,
  );
  addModelOptions(queued, 'with --edit: ')
    .argument('[text]', 'with --edit: the new text of the turn')
    .option('--edit <turn>', 'change the input or the settings of this turn')
    .option(IMAGE_FLAGS, 'with --edit: add an image of this machine; again for more', collect)
    .addOption(choice('--sandbox <mode>', 'with --edit', SANDBOX_MODES))
    .option('--move <turn>', 'move this turn in the queue')
    .option('--before <turn>', 'with --move: the turn to put it before, or end')
    .option('--drop <turn>', 'remove this turn; it ends as interrupted')
    .option('--reason <text>', 'with --drop');
  command('agents', 'show the threads below a thread as a tree', 'agents my-thread', agents);
  command<ApproveOptions>('approve', 'answer a request', 'approve my-thread req_3 --decision acceptForSession', approve)
    .argument('<requestId>')
    .addOption(choice('--decision <what>', 'the answer', ['accept', 'acceptForSession', 'decline', 'cancel'], 'accept'))
    .option('--answer <id=text...>', 'answer to the question with this id or number')
    .addOption(choice('--remember <scope>', 'remember the answer for', ['call', 'turn', 'thread', 'repository']));
  command<ArgumentsOf>(
    'requests',
    'show the open requests of a thread in full',
    'requests my-thread req_3',
    requests,
  ).argument('[requestId]', 'only this request');
  command<RulesOptions>('rules', 'list the remembered answers; revoke one', 'rules my-thread --revoke rule_3', rules)
    .option('--repository', 'the rules of its repository, which apply to all threads there')
    .option('--revoke <rule>', 'revoke this rule: ask again from now on');
  const forked = command<ForkOptions>(
    'fork',
    'start a new thread with the past of this one',
    'fork my-thread --turn turn-3 --id another-way --worktree',
    fork,
  );
  addModelOptions(forked)
    .option(
      '--turn <id>',
      'up to and including this turn (default: all turns; an active turn is cut off at its current point)',
    )
    .option('--id <threadId>', 'id of the new thread')
    .option('--worktree', 'separate files, as they were then, in a git work tree (default: the same files)')
    .option('--cwd <path>', 'its workspace; with --worktree, the path of the work tree')
    .option('--title <text>');
  const resumed = command<ResumeOptions>(
    'resume',
    'open a closed thread again, with its history, rules and agent task',
    'resume my-thread',
    resume,
  );
  addModelOptions(resumed, 'from now on: ')
    .addOption(choice('--sandbox <mode>', 'from now on', SANDBOX_MODES))
    .addOption(choice('--approval-policy <policy>', 'from now on', APPROVAL_POLICIES));
  command<MoveOptions>(
    'move',
    'let a thread work in another folder, on another host; works if its host is gone',
    'move my-thread --host build-2 --cwd /srv/shop',
    move,
  )
    .option('--host <id>', 'the host (default: its host)')
    .option('--cwd <path>', 'the folder there, an absolute path');
  command<WatchOptions>('watch', 'follow a thread', 'watch my-thread', watch)
    .option('--after <seq>', 'start after the event with this number', natural, 0)
    .option('--tree', 'also every agent and review below, with its name')
    .addOption(treeCursorOption());
  command<{ dryRun?: true }>('undo', 'undo the newest turn, including its files', 'undo my-thread', undo).option(
    '--dry-run',
    'only show what would happen to which file',
  );
  command('redo', 'reverse the newest undo', 'redo my-thread', redo);
  command<{ turns: number }>(
    'rollback',
    'remove the newest turns from the conversation; files stay as they are',
    'rollback my-thread --turns 2',
    rollback,
  ).requiredOption('--turns <n>', 'number of turns', positive);
  command<{ reason?: string }>('close', 'stop everything and close the thread', 'close my-thread', close).option(
    '--reason <text>',
  );
}

/** The arguments after the thread id. */
interface ArgumentsOf {
  args: string[];
}

interface SendOptions extends CommonOptions, ArgumentsOf, ModelFlags {
  kind: TurnKind;
  task?: string;
  onBusy?: OnBusy;
  turnId?: string;
  image?: string[];
  wait?: boolean;
}

const send: Body<SendOptions> = async (bobbin, output, threadId, options) => {
  const thread = bobbin.threads.get(threadId);
  const turnId = options.turnId ?? `turn-${randomUUID()}`;
  const overrides = modelFlagsOf(options);
  const turn: SubmitTurn = {
    turnId,
    ...(options.task === undefined ? { kind: options.kind } : { kind: 'custom', task: options.task }),
    input: await toInput(bobbin, options.args[0], options.image),
    ...(options.onBusy === undefined ? {} : { onBusy: options.onBusy }),
    ...(Object.keys(overrides).length === 0 ? {} : { overrides }),
  };
  if (options.wait === true) return submitAndWait(bobbin, output, thread, options.turnId, turn);
  await thread.submit(turn);
  output.result({ threadId, turnId }, [`turn ${turnId} submitted to thread ${threadId}`]);
  return EXIT.ok;
};

interface SteerOptions extends ArgumentsOf {
  turn?: string;
  image?: string[];
}

const steer: Body<SteerOptions> = async (bobbin, output, threadId, options) => {
  const thread = bobbin.threads.get(threadId);
  const expectedTurnId = options.turn ?? (await thread.view()).activeTurn?.turnId;
  if (expectedTurnId === undefined)
    throw new BobbinError('turnNotActive', `Thread ${threadId} has no active turn to steer.`);
  await thread.steer({ expectedTurnId, input: await toInput(bobbin, options.args[0] ?? '', options.image) });
  output.result({ threadId, turnId: expectedTurnId }, [`turn ${expectedTurnId} steered`]);
  return EXIT.ok;
};

interface InterruptOptions {
  turn?: string;
  reason?: string;
  tree?: true;
  keepSessions?: true;
}

const interrupt: Body<InterruptOptions> = async (bobbin, output, threadId, { turn, ...options }) => {
  const thread = bobbin.threads.get(threadId);
  const { turnId } = await thread.interrupt({
    ...options,
    ...(turn === undefined ? {} : { turnId: turn }),
  });
  const what =
    turnId === null
      ? `no turn was active${options.tree ? '; the agents below are being interrupted' : ''}`
      : `turn ${turnId} interrupted`;
  output.result({ threadId, turnId }, [what]);
  return EXIT.ok;
};

interface WatchOptions {
  after: number;
  tree?: true;
  cursor?: TreeCursor;
}

export const watch: Body<WatchOptions> = async (bobbin, output, threadId, { after, tree, cursor }) => {
  const thread = bobbin.threads.get(threadId);
  await thread.view();
  const signal = interruptSignal();
  if (tree === true) await watchTree(thread, output, { after: cursor ?? { [threadId]: after }, signal });
  else await watchThread(thread, output, { after, signal });
  return signal.aborted ? EXIT.interrupted : EXIT.ok;
};

const close: Body<{ reason?: string }> = async (bobbin, output, threadId, options) => {
  await bobbin.threads.get(threadId).close(options.reason === undefined ? {} : { reason: options.reason });
  output.result({ threadId }, [`thread ${threadId} is being closed`]);
  return EXIT.ok;
};
