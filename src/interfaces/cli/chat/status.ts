/** The line that says what runs, for how long, and what it has used. Pure. */
import type { ActiveTurnView, ThreadView, TurnPhase } from '../../../contract/index.ts';
import { toDollars } from '../../../contract/plain/amount-words.ts';
import { type Part, line, paint } from '../text/terminal-text.ts';
import type { ChatState } from './state.ts';

export function statusLine(state: ChatState): Part {
  const { view, trouble, retrying, leavingAt, now } = state;
  const words = [
    ...(leavingAt === null ? [] : [paint.yellow('Ctrl-C again leaves')]),
    ...(trouble === null ? [] : [paint.yellow(TROUBLE[trouble])]),
    ...(retrying === null ? [] : [paint.yellow(retrying)]),
    ...(view === null ? [] : viewWords(view, now)),
  ];
  const all = words.length === 0 ? ['starting …'] : words;
  return all.map((word) => line`${word}`).reduce((sum, word) => paint.dim(line`${sum} · ${word}`));
}

const TROUBLE = {
  worker: 'no worker answers',
  service: 'the service does not answer',
  slow: 'waiting for an answer of the worker',
};

function viewWords(view: ThreadView, now: number): string[] {
  const { activeTurn, queuedTurns, usage, context, settings, subThreads } = view;
  const agents = subThreads.filter(({ status }) => status === 'running' || status === 'pendingInit').length;
  return [
    ...(activeTurn === null ? [view.status === 'closed' ? 'closed' : 'ready'] : activeWords(activeTurn, now)),
    ...(view.besideTurns.length === 0 ? [] : [`${view.besideTurns.length} of your commands`]),
    ...(agents === 0 ? [] : [`${agents} agents at work`]),
    ...(queuedTurns.length === 0 ? [] : [`${queuedTurns.length} queued`]),
    `${usage.totalTokens.toLocaleString('en')} tokens`,
    ...(usage.costMicroUsd === null ? ['cost unknown'] : [toDollars(usage.costMicroUsd)]),
    ...contextWords(context),
    settings.model,
  ];
}

function activeWords({ phase, startedAt }: ActiveTurnView, now: number): string[] {
  const seconds = Math.max(0, Math.round((now - startedAt) / 1_000));
  return [describePhase(phase), `${seconds} s`, 'Esc interrupts'];
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
