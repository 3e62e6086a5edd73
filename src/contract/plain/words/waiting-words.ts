/** Who waits for what, in words, for lists and status lines. */
import type { WaitingFor } from '../../threads/summary.ts';
import type { ThreadRequest } from '../../threads/requests.ts';
import type { HostWait, ThreadView, TurnPhase } from '../../threads/view.ts';
import { toAmount } from './amount-words.ts';

/** Null if the thread waits for nothing but its model and its tools. */
export function toWaitingFor({ openRequests, activeTurn }: Pick<ThreadView, 'openRequests' | 'activeTurn'>) {
  const [first, ...others] = openRequests.filter(({ origin }) => origin?.answered !== true);
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` (+${others.length} more)`;
    return { who: 'person', what: `${toRequestLine(first)}${more}` } satisfies WaitingFor;
  }
  const what = activeTurn === null ? null : toWaitOfPhase(activeTurn.phase);
  return what === null ? null : ({ who: 'bobbin', what } satisfies WaitingFor);
}

/** What a person has to decide, on one line. */
export function toRequestLine(request: ThreadRequest): string {
  switch (request.type) {
    case 'commandExecution':
      return `command: ${request.command}`;
    case 'fileChange':
      return `patch: ${ofMany(request.paths)}`;
    case 'mcpToolCall':
      return `call: ${request.server} ${request.tool}`;
    case 'userInput':
      return `question: ${ofMany(request.questions.map(({ question }) => question))}`;
    case 'budget':
      return `budget: ${toAmount(request.limit, request.spent)} of ${toAmount(request.limit, request.max)}`;
  }
}

function ofMany([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}

function toWaitOfPhase(phase: TurnPhase): string | null {
  switch (phase.type) {
    case 'waitingForAgentTask':
      return 'its agent task';
    case 'waitingForWorkspace':
      return 'the clean-up of its workspace';
    case 'waitingForHost':
      return `host ${phase.host}, away since ${toTime(phase.since)}`;
    case 'waitingForBudget':
      return 'budget of a thread above';
    case 'callingModel':
    case 'compacting':
    case 'runningTools':
    case 'takingSnapshot':
    case 'working':
    case 'undoing':
    case 'redoing':
    case 'reviewing':
    case 'aborting':
      return null;
  }
}

/** What a thread waits for that is not open yet. @param quote of what somebody chose */
export function toHostWaitWords({ host, since, repository }: HostWait, quote = (text: string) => text): string {
  const what = repository === undefined ? '' : ` to fetch ${quote(repository)},`;
  return `host ${quote(host)}${what} since ${toTime(since)}`;
}

function toTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** What a turn is doing. @param quote of a name that a model or a server chose */
export function toPhaseWords(phase: TurnPhase, quote: (name: string) => string): string {
  switch (phase.type) {
    case 'waitingForAgentTask':
      return 'waits for its agent task to be registered';
    case 'waitingForBudget':
      return 'waits for more budget';
    case 'waitingForHost':
      return `waits for host ${quote(phase.host)}, away since ${toTime(phase.since)}`;
    case 'waitingForWorkspace':
      return 'waits for the workspace to be cleaned after a lost step';
    case 'callingModel':
      return `model step ${phase.step}`;
    case 'compacting':
      return `compacts the context (${phase.trigger})`;
    case 'runningTools':
      return ofTools(phase, quote);
    case 'undoing':
      return `undoes turn ${quote(phase.turnId)}`;
    case 'redoing':
      return `reverses undo ${quote(phase.turnId)}`;
    case 'working':
      return 'is working';
    case 'takingSnapshot':
      return 'takes a snapshot of the files';
    case 'reviewing':
      return phase.threadId === null
        ? 'prepares a review'
        : `reviews in thread ${quote(phase.threadId)} (${phase.stage})`;
    case 'aborting':
      return `is being aborted (${phase.reason})`;
  }
}

/** Names of tools that are shown. */
const SHOWN = 8;

function ofTools(
  { step, running, waiting }: Extract<TurnPhase, { type: 'runningTools' }>,
  quote: (name: string) => string,
) {
  const names = (words: string, all: readonly string[]) => {
    if (all.length === 0) return [];
    const rest = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
    return [`${words} ${all.slice(0, SHOWN).map(quote).join(', ')}${rest}`];
  };
  return `tools of step ${step}: ${[...names('runs', running), ...names('waiting:', waiting)].join('; ')}`;
}
