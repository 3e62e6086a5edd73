/** The line that says what runs, for how long, and what it has used. Pure. */
import type { ActiveTurnView, ThreadView, TurnPhase } from '../../../contract/index.ts';
import stringWidth from 'string-width';
import { plural } from '../../../contract/plain/plural.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { type Part, line, paint } from '../text/terminal-text.ts';
import type { ChatState } from './state.ts';

/** As many words as fit, the most important ones first. */
export function statusLine(state: ChatState, columns: number): Part {
  const [first = 'starting …', ...others] = statusWords(state);
  let width = stringWidth(first);
  const fitting = others.filter((word) => {
    width += SEPARATOR.length + stringWidth(word);
    return width <= columns;
  });
  const isTrouble = state.leavingAt !== null || state.trouble !== null;
  return paint.dim(
    [isTrouble ? paint.yellow(first) : first, ...fitting].reduce((sum, word) => line`${sum}${SEPARATOR}${word}`),
  );
}

const SEPARATOR = ' · ';

function statusWords({ view, trouble, retrying, leavingAt, now }: ChatState): string[] {
  return [
    ...(leavingAt === null ? [] : ['Ctrl-C again leaves']),
    ...(trouble === null ? [] : [TROUBLE[trouble]]),
    ...(view === null ? [] : viewWords(view, now)),
    ...(retrying === null ? [] : [retrying.slice(0, MAX_REASON_CHARS)]),
  ];
}

const MAX_REASON_CHARS = 60;

const TROUBLE = {
  worker: 'no worker answers',
  service: 'the service does not answer',
  slow: 'waiting for an answer of the worker',
};

function viewWords(view: ThreadView, now: number): string[] {
  const { activeTurn, queuedTurns, usage, context, settings, subThreads, sessions = [] } = view;
  const agents = subThreads.filter(({ status }) => status === 'running' || status === 'pendingInit').length;
  return [
    ...(activeTurn === null ? [view.status === 'closed' ? 'closed' : 'ready'] : activeWords(activeTurn, now)),
    ...(view.besideTurns.length === 0 ? [] : [`${plural(view.besideTurns.length, 'command')} of yours`]),
    ...(sessions.length === 0 ? [] : [`${sessions.length} left running`]),
    ...(agents === 0 ? [] : [`${plural(agents, 'agent')} at work`]),
    ...(queuedTurns.length === 0 ? [] : [`${queuedTurns.length} queued`]),
    ...(activeTurn === null ? (sessions.length === 0 ? [] : ['Esc ends them']) : ['Esc interrupts']),
    `${usage.totalTokens.toLocaleString('en')} tokens`,
    ...(usage.costMicroUsd === null ? ['cost unknown'] : [toDollars(usage.costMicroUsd)]),
    ...contextWords(context),
    settings.model,
  ];
}

function activeWords({ phase, startedAt }: ActiveTurnView, now: number): string[] {
  const seconds = Math.max(0, Math.round((now - startedAt) / 1_000));
  return [describePhase(phase), `${seconds} s`];
}

function contextWords({ tokens, compactAt }: ThreadView['context']): string[] {
  if (tokens === null) return [];
  if (compactAt === null) return [`context ${tokens.toLocaleString('en')}`];
  return [`context ${Math.round((100 * tokens) / compactAt)}%`];
}

function describePhase(phase: TurnPhase): string {
  switch (phase.type) {
    case 'waitingForAgentTask':
      return 'registering';
    case 'waitingForWorkspace':
      return 'waiting for the workspace';
    case 'waitingForHost':
      return `waiting for host ${phase.host}`;
    case 'waitingForBudget':
      return 'waiting for a budget';
    case 'callingModel':
      return 'the model answers';
    case 'compacting':
      return 'compacting';
    case 'runningTools':
      return phase.running.length > 0 ? 'running tools' : 'waiting for an answer';
    case 'takingSnapshot':
      return 'taking a snapshot';
    case 'working':
      return 'working';
    case 'undoing':
      return 'undoing';
    case 'redoing':
      return 'redoing';
    case 'reviewing':
      return 'reviewing';
    case 'aborting':
      return 'stopping';
  }
}
