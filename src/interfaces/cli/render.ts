/** Events as lines for a person. Colour only where the terminal takes it. */
import { colours as pc } from './colours.ts';
import { costWords, describeAmount } from './money.ts';
import {
  type Item,
  type ReviewOutput,
  type ThreadEvent,
  type ThreadRequest,
  type TurnCompletion,
  renderReview,
} from '../../contract/index.ts';

const MAX_OUTPUT_LINES = 8;
const MAX_LINE_CHARS = 400;

/** Lines for one event; none for what a person need not see. */
export function renderEvent(event: ThreadEvent): string[] {
  switch (event.type) {
    case 'item/started':
      return renderStarted(event.item);
    case 'item/completed':
      return renderCompleted(event.item);
    case 'turn/plan/updated':
      return event.plan.map(
        ({ step, status }) => `  ${{ pending: '○', in_progress: '◐', completed: '●' }[status]} ${step}`,
      );
    case 'turn/completed':
      return [renderCompletion(event.turn)];
    case 'turn/queued':
      return [pc.dim(`turn ${event.turnId} is queued`)];
    case 'turn/queueUpdated':
      return [pc.dim(`queued turn ${event.turnId} was ${event.change}; ${event.queue.length} wait`)];
    case 'turn/steered':
      return [pc.dim(`turn ${event.turnId} was steered`)];
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
    case 'item/mcpToolCall/requestApproval':
    case 'item/tool/requestUserInput':
    case 'turn/budget/requestApproval':
      return renderRequest(event.request);
    case 'serverRequest/resolved':
      return [pc.dim(`  ${event.requestId}: ${event.decision} (by ${event.by})`)];
    case 'rule/remembered':
      return [pc.dim(`  remembered for the ${event.rule.scope}: ${event.rule.decision} (${event.rule.ruleId})`)];
    case 'rule/applied':
      return [pc.dim(`  ${event.decision} by what is remembered (${event.ruleIds.join(', ')})`)];
    case 'rule/revoked':
      return [pc.dim(`  ${event.ruleId} revoked`)];
    case 'warning':
      return [pc.yellow(`warning: ${event.message}`)];
    case 'error':
      return [pc.red(`error: ${event.error.message} [${event.error.code}]`)];
    case 'message/rejected':
      return [pc.yellow(`${event.message} was not taken [${event.code}]: ${event.reason}`)];
    case 'agentTask/registered':
      return [pc.dim(`agent task ${event.taskId} registered under ${event.agentRuntimeId}`)];
    case 'subThread/updated':
      return [
        pc.dim(
          `  ${event.subThread.role} ${event.subThread.name} [${event.subThread.threadId}]: ${event.subThread.status}`,
        ),
      ];
    case 'agentTask/cleared':
      return [pc.dim(`agent task cleared: ${event.reason}`)];
    case 'thread/rolledBack':
      return [pc.dim(`rolled back: ${event.dropped.join(', ')}`)];
    case 'thread/closed':
      return [pc.dim(`thread closed${event.reason === null ? '' : `: ${event.reason}`}`)];
    case 'thread/started':
    case 'turn/started':
    case 'thread/tokenUsage/updated':
      return [];
  }
}

function renderStarted(item: Item): string[] {
  switch (item.type) {
    case 'userMessage':
      return ['', pc.bold(`> ${item.content.map((part) => part.text).join('\n')}`), ''];
    case 'commandExecution':
      return [`${pc.cyan('$')} ${item.command}`];
    case 'fileChange':
      return [`${pc.cyan('✎')} patch`];
    case 'collabAgentToolCall':
      return [`${pc.cyan('⇄')} ${item.tool}${item.prompt === '' ? '' : `: ${item.prompt}`}`];
    case 'subAgentNotification':
      return [pc.dim(`  ${item.name} (${item.status}): ${item.text}`)];
    case 'enteredReviewMode':
      return ['', pc.bold(`reviewing: ${item.review}`)];
    case 'mcpToolCall':
      return [`${pc.cyan('⚒')} ${item.server} ${item.tool} ${shortened(JSON.stringify(item.arguments))}`];
    case 'agentMessage':
    case 'reasoning':
    case 'plan':
    case 'userInput':
    case 'dynamicToolCall':
    case 'exitedReviewMode':
    case 'turnAborted':
    case 'contextCompaction':
    case 'ghostSnapshot':
    case 'turnsDropped':
      return [];
  }
}

function renderCompleted(item: Item): string[] {
  switch (item.type) {
    case 'agentMessage':
      return ['', item.text];
    case 'commandExecution':
      return renderCommandEnd(item);
    case 'mcpToolCall':
      return [
        ...shownOutput(item.output.split('\n').map(shortened).join('\n')),
        ...(item.status === 'completed' ? [] : [pc.yellow(`  ${item.status}`)]),
      ];
    case 'fileChange':
      return item.changes.length > 0
        ? item.changes.map((change) =>
            pc.dim(`  ${change.kind} ${change.path} (+${change.linesAdded} -${change.linesRemoved})`),
          )
        : [pc.yellow(`  ${item.status}: ${item.output}`)];
    case 'collabAgentToolCall':
      return item.status === 'completed' ? [] : [pc.yellow(`  ${item.output}`)];
    case 'dynamicToolCall':
      return [pc.yellow(`  ${item.output}`)];
    case 'contextCompaction':
      return [pc.dim(`context compacted (${item.trigger})${describeBefore(item.tokensBefore)}`)];
    case 'turnsDropped':
      return item.cause === 'undo' ? renderDropped(item) : [];
    case 'exitedReviewMode':
      return item.reviewOutput === null ? [] : ['', ...renderFindings(item.reviewOutput)];
    case 'ghostSnapshot':
    case 'userInput':
    case 'plan':
    case 'userMessage':
    case 'reasoning':
    case 'turnAborted':
    case 'subAgentNotification':
    case 'enteredReviewMode':
      return [];
  }
}

function describeBefore(tokens: number | null): string {
  return tokens === null ? '' : `; it had ${tokens.toLocaleString('en')} tokens`;
}

export function renderDropped(item: Extract<Item, { type: 'turnsDropped' }>): string[] {
  const { files, dropped, notUndone } = item;
  const what = files === null ? 'no file was changed' : `${files.restored} files restored, ${files.deleted} deleted`;
  return [
    `undone: turn ${dropped.join(', ')}, ${what}`,
    ...notUndone.map((line) => pc.yellow(`  not undone: ${line}`)),
  ];
}

/** What a review found, in lines; a word where that is nothing. */
export function renderFindings(output: ReviewOutput): string[] {
  const lines = renderReview(output);
  return lines.length > 0 ? lines : ['nothing found'];
}

function renderCommandEnd(item: Extract<Item, { type: 'commandExecution' }>): string[] {
  const shown = shownOutput(item.output.replace(/^[\s\S]*?\nOutput:\n/, ''));
  const end =
    item.status === 'completed'
      ? []
      : [pc.yellow(`  ${item.status}${item.exitCode === null ? '' : `, exit code ${item.exitCode}`}`)];
  return [...shown, ...end];
}

function shownOutput(output: string): string[] {
  const lines = output.trimEnd() === '' ? [] : output.trimEnd().split('\n');
  const shown = lines.slice(0, MAX_OUTPUT_LINES).map((line) => pc.dim(`  ${line}`));
  const more = lines.length > MAX_OUTPUT_LINES ? [pc.dim(`  … ${lines.length - MAX_OUTPUT_LINES} more lines`)] : [];
  return [...shown, ...more];
}

function shortened(line: string): string {
  return line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)}…` : line;
}

function renderRequest(request: ThreadRequest): string[] {
  const what = {
    commandExecution: () => `run: ${request.type === 'commandExecution' ? request.command : ''}`,
    mcpToolCall: () => `call: ${request.type === 'mcpToolCall' ? `${request.server} ${request.tool}` : ''}`,
    budget: () => (request.type === 'budget' ? describeBudgetRequest(request) : ''),
    fileChange: () => `change: ${request.type === 'fileChange' ? request.paths.join(', ') : ''}`,
    userInput: () =>
      request.type === 'userInput' ? request.questions.map((one) => `${one.id}: ${one.question}`).join('; ') : '',
  }[request.type]();
  return [pc.yellow(`? ${request.requestId} ${what}`), pc.yellow(`  ${request.reason}`)];
}

function describeBudgetRequest({ scope, limit, grants }: Extract<ThreadRequest, { type: 'budget' }>): string {
  return `go on beyond the ${scope}'s budget, with ${describeAmount(limit, grants)} more`;
}

export function renderCompletion(turn: TurnCompletion): string {
  const seconds = (turn.durationMs / 1000).toFixed(1);
  const tokens = `${turn.usage.totalTokens.toLocaleString('en')} tokens${costWords(turn.usage.costMicroUsd)}`;
  switch (turn.status) {
    case 'completed':
      return pc.green(`\nturn completed in ${seconds} s, ${tokens}`);
    case 'aborted':
      return pc.yellow(
        `\nturn aborted (${turn.reason}) after ${seconds} s${turn.quiescent ? '' : '; a lost worker may have left processes, they are being ended'}`,
      );
    case 'failed':
      return pc.red(`\nturn failed after ${seconds} s: ${turn.error.message} [${turn.error.code}]`);
  }
}
