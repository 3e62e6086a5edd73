/** Events as lines for a person. A plain string is one line of foreign text. */
import { costWords } from './money.ts';
import { renderReceipt } from './render-move.ts';
import { renderRequest } from './render-request.ts';
import {
  type Part,
  type TerminalText,
  beginning,
  line,
  linesOf,
  paint,
  quote,
  quoted,
  shortened,
} from './terminal-text.ts';
import type {
  CommandLimit,
  FileOutcomes,
  Item,
  PathOutcome,
  ReviewOutput,
  ThreadEvent,
  ToolItemBase,
  TurnCompletion,
  UndoPreview,
} from '../../../contract/index.ts';
import { toSeconds } from '../../../contract/plain/words/amount-words.ts';
import { toSearchWords } from '../../../contract/plain/words/search-words.ts';
import { renderReview } from '../../../contract/reviews/review-text.ts';
import { toImageWords, toInputText } from '../../../contract/plain/images/image-types.ts';
import { toLeftBehindWords } from '../../../contract/plain/words/left-behind-words.ts';
import { plural } from '../../../contract/plain/plural.ts';

const MAX_OUTPUT_LINES = 8;
const MAX_LINE_CHARS = 400;

/** The lines for one event of a thread; none if a person does not need it. */
export function renderEvent(event: ThreadEvent, threadId: string): Part[] {
  switch (event.type) {
    case 'item/started':
      return [...renderLocalImages(event.item), ...renderStarted(event.item)];
    case 'item/completed':
      return renderCompleted(event.item);
    case 'turn/plan/updated':
      return event.plan.map(
        ({ step, status }) => `  ${{ pending: '○', in_progress: '◐', completed: '●' }[status]} ${step}`,
      );
    case 'turn/completed':
      return ['', renderCompletion(event.turn)];
    case 'turn/queued':
      return [paint.dim(`turn ${event.turnId} is queued`)];
    case 'turn/queueUpdated':
      return [paint.dim(`queued turn ${event.turnId} was ${event.change}; ${event.queue.length} queued`)];
    case 'turn/steered':
      return [paint.dim(`turn ${event.turnId} was steered`)];
    case 'item/commandExecution/requestApproval':
    case 'item/fileChange/requestApproval':
    case 'item/mcpToolCall/requestApproval':
    case 'item/tool/requestUserInput':
    case 'turn/budget/requestApproval':
      return renderRequest(event.request, threadId);
    case 'serverRequest/resolved':
      return [paint.dim(`  ${event.requestId}: ${event.decision} (by ${event.by})`)];
    case 'rule/remembered':
      return [paint.dim(`  remembered for the ${event.rule.scope}: ${event.rule.decision} (${event.rule.ruleId})`)];
    case 'rule/applied':
      return [paint.dim(`  ${event.decision} by a remembered answer (${event.ruleIds.join(', ')})`)];
    case 'rule/revoked':
      return [paint.dim(`  ${event.ruleId} revoked`)];
    case 'warning':
      return [paint.yellow(`warning: ${event.message}`)];
    case 'error':
      // The end of the turn has the same error.
      return event.willRetry ? [paint.yellow(`error: ${event.error.message} [${event.error.code}]`)] : [];
    case 'message/rejected':
      return [paint.yellow(`${event.message} rejected [${event.code}]: ${event.reason}`)];
    case 'agentTask/registered':
      return [paint.dim(`agent task ${event.taskId} registered under ${event.agentRuntimeId}`)];
    case 'subThread/updated':
      return [
        paint.dim(
          `  ${event.subThread.role} ${event.subThread.name} [${event.subThread.threadId}]: ${event.subThread.status}`,
        ),
      ];
    case 'agentTask/cleared':
      return [paint.dim(`agent task cleared: ${event.reason}`)];
    case 'thread/rolledBack':
      return [paint.dim(`rolled back: ${event.dropped.join(', ')}`)];
    case 'thread/closed':
      return [paint.dim(`thread closed${event.reason === null ? '' : `: ${event.reason}`}`)];
    case 'workspace/moved':
      return [
        paint.yellow(line`the thread works in ${event.to.cwd} on host ${event.to.host}`),
        ...renderReceipt(event).map((one) => paint.dim(line`  ${one}`)),
      ];
    case 'thread/started':
    case 'workspace/bound':
    case 'turn/started':
    case 'thread/tokenUsage/updated':
      return [];
  }
}

function renderStarted(item: Item): Part[] {
  switch (item.type) {
    case 'userMessage':
      return ['', ...linesOf(toInputText(item.content)).map((one) => paint.bold(line`> ${one}`)), ''];
    case 'commandExecution':
      return renderCommand(item.command);
    case 'fileChange':
      return [line`${paint.cyan('✎')} patch`];
    case 'collabAgentToolCall':
      return [
        item.prompt === ''
          ? line`${paint.cyan('⇄')} ${item.tool}`
          : line`${paint.cyan('⇄')} ${item.tool}: ${beginning(item.prompt, MAX_LINE_CHARS)}`,
      ];
    case 'subAgentNotification':
      return [paint.dim(line`  agent ${item.name} (${item.status}): ${beginning(item.text, MAX_LINE_CHARS)}`)];
    case 'enteredReviewMode':
      return ['', paint.bold(`reviewing: ${item.review}`)];
    case 'imageView':
      return [line`${paint.cyan('▣')} view ${beginning(item.path, MAX_LINE_CHARS)}`];
    case 'mcpToolCall':
      return [
        line`${paint.cyan('⚒')} ${item.server} ${item.tool} ${shortened(JSON.stringify(item.arguments), MAX_LINE_CHARS)}`,
      ];
    case 'webSearch':
      return [line`${paint.cyan('⌕')} ${beginning(toSearchWords(item.action), MAX_LINE_CHARS)}`];
    case 'dynamicToolCall':
      return item.status === 'inProgress' && item.call !== null
        ? [line`${paint.cyan('›')} ${item.call.name} ${shortened(item.call.arguments, MAX_LINE_CHARS)}`]
        : [];
    case 'agentMessage':
    case 'reasoning':
    case 'plan':
    case 'userInput':
    case 'commandSession':
    case 'exitedReviewMode':
    case 'turnAborted':
    case 'contextCompaction':
    case 'ghostSnapshot':
    case 'turnsDropped':
    case 'turnsRestored':
      return [];
  }
}

function renderCompleted(item: Item): Part[] {
  switch (item.type) {
    case 'agentMessage':
      return ['', ...quoted(item.text)];
    case 'reasoning':
      return item.summary.flatMap((text) => ['', ...quoted(text).map(paint.dim)]);
    case 'commandExecution':
      return renderCommandEnd(item);
    case 'mcpToolCall':
      return [
        ...shownOutput(item.output),
        ...renderImages(item),
        ...(item.status === 'completed' ? [] : [paint.yellow(`  ${item.status}`)]),
      ];
    case 'imageView':
      return item.status === 'completed'
        ? renderImages(item)
        : [paint.yellow(quote(beginning(item.output, MAX_LINE_CHARS)))];
    case 'fileChange':
      return item.changes.length > 0
        ? item.changes.map((change) =>
            paint.dim(`  ${change.kind} ${change.path} (+${change.linesAdded} -${change.linesRemoved})`),
          )
        : [paint.yellow(line`  ${item.status}: ${beginning(item.output, MAX_LINE_CHARS)}`)];
    case 'collabAgentToolCall':
      return item.status === 'completed' ? [] : [paint.yellow(quote(beginning(item.output, MAX_LINE_CHARS)))];
    case 'dynamicToolCall':
      return item.status === 'completed'
        ? shownOutput(withoutHead(item.output))
        : [paint.yellow(quote(beginning(item.output, MAX_LINE_CHARS)))];
    case 'commandSession':
      return item.continuesAs === undefined ? renderSessionEnd(item) : [];
    case 'contextCompaction':
      return [paint.dim(`context compacted (${item.trigger})${describeBefore(item.tokensBefore)}`)];
    case 'turnsDropped':
      return item.cause === 'undo' ? renderDropped(item) : [];
    case 'turnsRestored':
      return renderRestored(item);
    case 'exitedReviewMode':
      return item.reviewOutput === null ? [] : ['', ...renderFindings(item.reviewOutput)];
    case 'ghostSnapshot':
    case 'userInput':
    case 'plan':
    case 'userMessage':
    case 'webSearch':
    case 'turnAborted':
    case 'subAgentNotification':
    case 'enteredReviewMode':
      return [];
  }
}

/** Files that the person named: what the model saw. A warning says why it saw nothing. */
function renderLocalImages({ localImages = [] }: Item): Part[] {
  return localImages.flatMap((image) =>
    'fault' in image ? [] : [paint.dim(quote(`[seen: ${toImageWords({ ...image, name: image.path })}]`))],
  );
}

/** A terminal shows what an image is, not the image. */
function renderImages({ images = [] }: ToolItemBase): Part[] {
  return images.map((image) => paint.dim(quote(`[image: ${toImageWords(image)}]`)));
}

function describeBefore(tokens: number | null): string {
  return tokens === null ? '' : `; it had ${plural(tokens, 'token')}`;
}

export function renderDropped(item: Extract<Item, { type: 'turnsDropped' }>): Part[] {
  const { files, paths = [], morePaths = 0, dropped, notUndone } = item;
  return [
    `undone: turn ${dropped.join(', ')}, ${describeFiles(files)}`,
    ...renderPaths(paths, morePaths),
    ...notUndone.map((remark) => paint.yellow(`  not undone: ${remark}`)),
  ];
}

export function renderRestored(item: Extract<Item, { type: 'turnsRestored' }>): Part[] {
  const { files, paths, morePaths, restored, notRedone } = item;
  return [
    `redone: turn ${restored.join(', ')}, ${describeFiles(files)}`,
    ...renderPaths(paths, morePaths),
    ...notRedone.map((remark) => paint.yellow(`  not redone: ${remark}`)),
  ];
}

export function renderPreview({ turnId, files, paths, morePaths, ofPatchesAlone, notUndone }: UndoPreview): Part[] {
  return [
    `would be undone: turn ${turnId}, ${describeFiles(files)}`,
    ...renderPaths(paths, morePaths),
    ...(ofPatchesAlone === false && paths.length > 0 ? [paint.yellow(`  ${EVERYTHING}`)] : []),
    ...notUndone.map((remark) => paint.yellow(`  not undone: ${remark}`)),
  ];
}

const EVERYTHING =
  'The turn ran something that may write anywhere: all that changed while it ran counts as its own, also what somebody else changed.';

function describeFiles(files: FileOutcomes | null): string {
  if (files === null) return 'no file is changed';
  const { restored, deleted, merged = 0, kept = 0 } = files;
  const more = [merged > 0 ? `, ${merged} merged` : '', kept > 0 ? `, ${kept} kept` : ''].join('');
  return `${plural(restored, 'file')} restored, ${deleted} deleted${more}`;
}

function renderPaths(paths: readonly PathOutcome[], morePaths: number): Part[] {
  const lines = paths.map((one) => {
    const shown = `  ${one.outcome.padEnd(8)} ${one.path}`;
    return one.outcome === 'kept' ? paint.yellow(`${shown}: ${one.reason}`) : paint.dim(shown);
  });
  return morePaths > 0 ? [...lines, paint.dim(`  and ${morePaths} more`)] : lines;
}

/** The findings of a review. */
export function renderFindings(output: ReviewOutput): Part[] {
  const lines = renderReview(output).flatMap(quoted);
  return lines.length > 0 ? lines : ['no findings'];
}

function renderCommandEnd(item: Extract<Item, { type: 'commandExecution' }>): Part[] {
  const shown = shownOutput(withoutHead(item.output));
  const facts = [
    item.status,
    ...(item.exitCode === null ? [] : [`exit code ${item.exitCode}`]),
    ...(item.limit === undefined ? [] : [`ended by the limit of ${LIMITED[item.limit]}`]),
  ];
  const left = item.sessionId === undefined ? [] : [paint.dim(`  left running, as session ${item.sessionId}`)];
  return item.status === 'completed' ? [...shown, ...left] : [...shown, paint.yellow(`  ${facts.join(', ')}`)];
}

function renderSessionEnd(item: Extract<Item, { type: 'commandSession' }>): Part[] {
  const { sessionId, status, exitCode, command } = item;
  const how = exitCode === null ? status : `exit code ${exitCode}`;
  return [paint.dim(`  session ${sessionId} has ended, ${how}`), paint.dim(quote(beginning(command, MAX_LINE_CHARS)))];
}

/** Without what the model is told before the output itself. */
function withoutHead(output: string): string {
  return output.replace(/^[\s\S]*?\nOutput:\n/, '');
}

const LIMITED: Record<CommandLimit, string> = {
  processes: 'processes',
  memoryMb: 'memory',
  fileMb: 'file size',
  cpuS: 'processor time',
  outputMb: 'output',
  freeMb: 'free disk space',
  unattendedS: 'time without a worker',
};

/** The lines of a command. Long lines are cut and show by how much. */
function renderCommand(command: string): Part[] {
  const lines = command.split('\n');
  const shown = lines.slice(0, MAX_OUTPUT_LINES).map((one, index) => {
    const text = shortened(one, MAX_LINE_CHARS);
    return index === 0 ? line`${paint.cyan('$')} ${text}` : quote(text);
  });
  return [...shown, ...moreLines(lines.length)];
}

function shownOutput(output: string): Part[] {
  const lines = output.trimEnd() === '' ? [] : output.trimEnd().split(/\r?\n/);
  const shown = lines.slice(0, MAX_OUTPUT_LINES).map((one) => paint.dim(quote(shortened(one, MAX_LINE_CHARS))));
  return [...shown, ...moreLines(lines.length)];
}

function moreLines(count: number): Part[] {
  return count > MAX_OUTPUT_LINES ? [paint.dim(`  … ${plural(count - MAX_OUTPUT_LINES, 'more line')}`)] : [];
}

export function renderCompletion(turn: TurnCompletion): TerminalText {
  const seconds = toSeconds(turn.durationMs);
  const tokens = `${plural(turn.usage.totalTokens, 'token')}${costWords(turn.usage.costMicroUsd)}`;
  const left = toLeftBehindWords(turn);
  switch (turn.status) {
    case 'completed':
      return paint.green(`turn completed in ${seconds}, ${tokens}${left}`);
    case 'aborted':
      return paint.yellow(
        `turn aborted (${turn.reason}) after ${seconds}${turn.quiescent || left !== '' ? '' : '; its worker was lost, remaining processes are being ended'}${left}`,
      );
    case 'failed':
      return paint.red(`turn failed after ${seconds}: ${turn.error.message} [${turn.error.code}]${left}`);
  }
}
