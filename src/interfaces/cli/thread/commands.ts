/** `bobbin thread ...`: inspects and drives threads. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { Bobbin } from '../../../client/index.ts';
import type {
  Answers,
  ApprovalDecision,
  OnBusy,
  RuleScope,
  SubmitTurn,
  ThreadView,
  TurnKind,
} from '../../../contract/index.ts';
import { describeBudget } from './budget-options.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { EXIT, exitCodeOfTurn } from '../exit-codes.ts';
import { columns } from '../text/columns.ts';
import { costWords } from '../text/money.ts';
import type { Output } from '../text/output.ts';
import { type CompactOptions, compact } from './compact.ts';
import { type QueueOptions, queue } from './queue.ts';
import { requests } from './requests.ts';
import { type RulesOptions, rules } from './rules.ts';
import { renderRequest } from '../text/render-request.ts';
import { agents } from './agents.ts';
import { type ForkOptions, fork } from './fork.ts';
import { type ResumeOptions, resume } from './resume.ts';
import { redo, rollback, undo } from './undo.ts';
import { type Part, beginning, line } from '../text/terminal-text.ts';
import { watchThread } from './watch.ts';
import { plural } from '../../../contract/plain/plural.ts';

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
        return withBobbin(options, (bobbin, output) => body(bobbin, output, threadId, options));
      });

  thread
    .command('list')
    .description('list threads, newest first')
    .option('--open', 'only threads that are not closed')
    .option('--limit <n>', 'maximum number of threads', Number, 50)
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin thread list --open')
    .action((options: ListOptions) => withBobbin(options, (bobbin, output) => list(bobbin, output, options)));

  command('show', 'show the state of a thread', 'show my-thread', show);
  command<SendOptions>('send', 'submit a turn', 'send my-thread "run the tests" --on-busy queue', send)
    .argument('<text>')
    .option('--kind <kind>', 'regular or user_shell', 'regular')
    .option('--on-busy <what>', 'replace, steer, queue or reject')
    .option('--turn-id <id>', 'idempotency key: the same id sent twice is one turn')
    .option('--wait', 'follow the turn and exit with its status');
  command<{ turn?: string } & ArgumentsOf>(
    'steer',
    'add input to the active turn',
    'steer my-thread "only the unit tests"',
    steer,
  )
    .argument('<text>')
    .option('--turn <id>', 'the turn that must be active (default: the active one)');
  command<{ turn?: string; reason?: string; tree?: boolean }>(
    'interrupt',
    'stop the active turn and wait until it has stopped',
    'interrupt my-thread',
    interrupt,
  )
    .option('--turn <id>', 'only this turn')
    .option('--tree', 'also the agents below, even if no turn is active here')
    .option('--reason <text>');
  command<CompactOptions>(
    'compact',
    'replace the older conversation by a summary, and follow the turn',
    'compact my-thread',
    compact,
  )
    .option('--no-wait', 'return as soon as it is submitted')
    .option('--on-busy <what>', 'queue, replace or reject, if a turn is active', 'queue')
    .option('--turn-id <id>', 'idempotency key: the same id sent twice is one turn');
  command<QueueOptions>(
    'queue',
    'list the queued turns in order; edit, move or drop one',
    'queue my-thread --move turn-2 --before turn-1',
    queue,
  )
    .argument('[text]', 'with --edit: the new text of the turn')
    .option('--edit <turn>', 'change the text or the settings of this turn')
    .option('--model <name>', 'with --edit')
    .option('--sandbox <mode>', 'with --edit')
    .option('--move <turn>', 'move this turn in the queue')
    .option('--before <turn>', 'with --move: the turn to put it before, or end')
    .option('--drop <turn>', 'remove this turn; it ends as interrupted')
    .option('--reason <text>', 'with --drop');
  command('agents', 'show the threads below a thread as a tree', 'agents my-thread', agents);
  command<ApproveOptions & ArgumentsOf>(
    'approve',
    'answer a request',
    'approve my-thread req_3 --decision acceptForSession',
    approve,
  )
    .argument('<requestId>')
    .option('--decision <what>', 'accept, acceptForSession, decline or cancel', 'accept')
    .option('--answer <id=text...>', 'answer to the question with this id')
    .option('--remember <scope>', 'remember the answer for: call (the default), turn, thread or repository');
  command<ArgumentsOf>(
    'requests',
    'show the open requests of a thread in full',
    'requests my-thread req_3',
    requests,
  ).argument('[requestId]', 'only this request');
  command<RulesOptions>('rules', 'list the remembered answers; revoke one', 'rules my-thread --revoke rule_3', rules)
    .option('--repository', 'the rules of its repository, which apply to all threads there')
    .option('--revoke <rule>', 'revoke this rule: ask again from now on');
  command<ForkOptions>(
    'fork',
    'start a new thread with the past of this one',
    'fork my-thread --turn turn-3 --id another-way --worktree',
    fork,
  )
    .option(
      '--turn <id>',
      'up to and including this turn (default: all turns; an active turn is cut off at its current point)',
    )
    .option('--id <threadId>', 'id of the new thread')
    .option('--worktree', 'separate files, as they were then, in a git work tree (default: the same files)')
    .option('--cwd <path>', 'its workspace; with --worktree, the path of the work tree')
    .option('--title <text>')
    .option('--model <name>', 'model, or provider/model');
  command<ResumeOptions>(
    'resume',
    'open a closed thread again, with its history, rules and agent task',
    'resume my-thread',
    resume,
  )
    .option('--model <name>', 'the model, or provider/model, from now on')
    .option('--sandbox <mode>', 'read-only, workspace-write or danger-full-access, from now on')
    .option('--approval-policy <policy>', 'untrusted, on-request or never, from now on');
  command<{ after: string }>('watch', 'follow a thread', 'watch my-thread', watch).option(
    '--after <seq>',
    'start after the event with this number',
    '0',
  );
  command<{ dryRun?: true }>('undo', 'undo the newest turn, including its files', 'undo my-thread', undo).option(
    '--dry-run',
    'only show what would happen to which file',
  );
  command('redo', 'reverse the newest undo', 'redo my-thread', redo);
  command<{ turns: string }>(
    'rollback',
    'remove the newest turns from the conversation; files stay as they are',
    'rollback my-thread --turns 2',
    rollback,
  ).requiredOption('--turns <n>', 'number of turns');
  command<{ reason?: string }>('close', 'stop everything and close the thread', 'close my-thread', close).option(
    '--reason <text>',
  );
}

/** The arguments after the thread id. */
interface ArgumentsOf {
  args: string[];
}

interface ListOptions extends CommonOptions {
  open?: boolean;
  limit: number;
}

async function list(bobbin: Bobbin, output: Output, options: ListOptions): Promise<number> {
  const threads = await bobbin.threads.list({ open: options.open ?? false, limit: options.limit });
  const lines = columns(
    threads.map(({ threadId, status, startedAt, cwd }) => [
      threadId,
      status,
      startedAt.toISOString(),
      cwd === '' ? '(folder unknown)' : cwd,
    ]),
  );
  output.result(threads, lines.length > 0 ? lines : ['no threads']);
  return EXIT.ok;
}

const show: Body<CommonOptions> = async (bobbin, output, threadId) => {
  const thread = bobbin.threads.get(threadId);
  const view = await thread.view();
  const openRequests = await Promise.all(view.openRequests.map((open) => thread.wholeRequest(open)));
  output.result(view, describeView({ ...view, openRequests }));
  return EXIT.ok;
};

function describeView(view: ThreadView): Part[] {
  const turn = view.activeTurn;
  return [
    `thread      ${view.threadId}: ${view.status}${view.activeFlags.length > 0 ? ` (${view.activeFlags.join(', ')})` : ''}`,
    `workspace   ${view.settings.cwd}`,
    `settings    model ${view.settings.model}, sandbox ${view.settings.sandbox}, approvals ${view.settings.approvalPolicy}`,
    `turns       ${view.turnCount} ended, ${view.queuedTurns.length} queued`,
    ...(turn === null ? [] : [`active      ${turn.turnId} (${turn.kind}): ${JSON.stringify(turn.phase)}`]),
    ...view.besideTurns.map((one) => line`beside      ${one.turnId}: ${beginning(one.command)}`),
    `agent task  ${view.agentTask.status === 'registered' ? view.agentTask.task.taskId : view.agentTask.status} (${view.agentTask.mode})`,
    `tokens      ${view.usage.totalTokens}${costWords(view.usage.costMicroUsd)}`,
    ...describeBudget(view.budget),
    `context     ${describeContext(view.context)}`,
    `history     ${plural(view.itemCount, 'item')}, ${plural(view.lastSeq, 'event')}, run ${view.runCount}`,
    ...view.openRequests.flatMap((one) => renderRequest(one, view.threadId)),
  ];
}

function describeContext({ tokens, compactAt, compactions }: ThreadView['context']): string {
  const size = tokens === null ? 'size unknown yet' : plural(tokens, 'token');
  const limit = compactAt === null ? '' : `, compacted from ${compactAt} on`;
  const times = compactions === 1 ? ', once so far' : `, ${compactions} times so far`;
  return `${size}${limit}${compactions === 0 ? '' : times}`;
}

interface SendOptions extends CommonOptions, ArgumentsOf {
  kind: TurnKind;
  onBusy?: OnBusy;
  turnId?: string;
  wait?: boolean;
}

const send: Body<SendOptions> = async (bobbin, output, threadId, options) => {
  const thread = bobbin.threads.get(threadId);
  const turnId = options.turnId ?? `turn-${randomUUID()}`;
  const turn: SubmitTurn = {
    turnId,
    kind: options.kind,
    input: [{ type: 'text', text: options.args[0] ?? '' }],
    ...(options.onBusy === undefined ? {} : { onBusy: options.onBusy }),
  };
  const after = options.wait === true ? (await thread.view()).lastSeq : 0;
  await thread.submit(turn);
  if (options.wait !== true) {
    output.result({ threadId, turnId }, [`turn ${turnId} submitted to thread ${threadId}`]);
    return EXIT.ok;
  }
  const end = await watchThread(thread, output, { after, signal: interruptSignal(), untilTurn: turnId });
  return end === undefined ? EXIT.interrupted : exitCodeOfTurn(end);
};

const steer: Body<{ turn?: string } & ArgumentsOf> = async (bobbin, output, threadId, options) => {
  const thread = bobbin.threads.get(threadId);
  const expectedTurnId = options.turn ?? (await thread.view()).activeTurn?.turnId;
  if (expectedTurnId === undefined)
    throw new BobbinError(
      'turnNotActive',
      `Thread ${threadId} has no active turn to steer; use \`bobbin thread send\`.`,
    );
  await thread.steer({ expectedTurnId, input: [{ type: 'text', text: options.args[0] ?? '' }] });
  output.result({ threadId, turnId: expectedTurnId }, [`turn ${expectedTurnId} steered`]);
  return EXIT.ok;
};

const interrupt: Body<{ turn?: string; reason?: string; tree?: boolean }> = async (
  bobbin,
  output,
  threadId,
  options,
) => {
  const thread = bobbin.threads.get(threadId);
  const { turnId } = await thread.interrupt({
    ...(options.turn === undefined ? {} : { turnId: options.turn }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.tree === true ? { tree: true } : {}),
  });
  const what = turnId === null ? 'the agents below are being interrupted' : `turn ${turnId} interrupted`;
  output.result({ threadId, turnId }, [what]);
  return EXIT.ok;
};

interface ApproveOptions {
  decision: ApprovalDecision;
  remember?: RuleScope;
  answer?: string[];
}

const approve: Body<ApproveOptions & ArgumentsOf> = async (bobbin, output, threadId, options) => {
  const requestId = options.args[0] ?? '';
  const { decision, remember } = options;
  const answers = options.answer === undefined ? {} : { answers: parseAnswers(options.answer) };
  const remembered = remember === undefined ? {} : { remember: { scope: remember } };
  await bobbin.threads.get(threadId).resolve({ requestId, decision, ...answers, ...remembered });
  const how = remember === undefined ? '' : `, remembered for the ${remember}`;
  output.result({ threadId, requestId, decision, ...remembered }, [`${requestId}: ${decision}${how}`]);
  return EXIT.ok;
};

function parseAnswers(given: string[]): Answers {
  const answers: Answers = {};
  for (const one of given) {
    const at = one.indexOf('=');
    if (at < 1) throw new BobbinError('invalid', `--answer ${one}: expected <question id>=<text>`);
    const id = one.slice(0, at);
    answers[id] = { answers: [...(answers[id]?.answers ?? []), one.slice(at + 1)] };
  }
  return answers;
}

const watch: Body<{ after: string }> = async (bobbin, output, threadId, options) => {
  const after = Number(options.after);
  if (!Number.isInteger(after) || after < 0)
    throw new BobbinError('invalid', `--after ${options.after}: expected a whole number`);
  const thread = bobbin.threads.get(threadId);
  await thread.view();
  await watchThread(thread, output, { after, signal: interruptSignal() });
  return EXIT.ok;
};

const close: Body<{ reason?: string }> = async (bobbin, output, threadId, options) => {
  await bobbin.threads.get(threadId).close(options.reason === undefined ? {} : { reason: options.reason });
  output.result({ threadId }, [`thread ${threadId} is being closed`]);
  return EXIT.ok;
};
