/**
 * Everything that a thread can request. The shell runs each action once under its id, and stops it when it is no longer
 * requested.
 */
import type { StartThread } from '../../../src/contract/index.ts';
import type { OutgoingMessage } from './state.ts';
import type { StepAction } from './steps.ts';

export type Action =
  | StepAction
  | { type: 'startChild'; id: string; turnId: string; start: StartThread }
  /** Ends when the child's workflow has ended, for any reason. */
  | { type: 'watchChild'; id: string; threadId: string }
  /** A signal to another thread. */
  | { type: 'sendMessage'; id: string; to: string; message: OutgoingMessage }
  /** A timer; `at` is milliseconds since the epoch, `summary` the line that the Temporal UI shows. */
  | { type: 'awaitTime'; id: string; at: number; about: TimerAbout; summary: string }
  /** Moves the thread away from a host that is lost. */
  | { type: 'relocate'; id: string }
  | { type: 'continueAsNew'; id: 'continueAsNew' }
  | { type: 'complete'; id: 'complete' };

/** Actions that only wait: a run that ends or continues as new does not wait for them. */
const WAITS = ['again/', 'budget/', 'deadline/', 'expiry/', 'probe/', 'quiescence/', 'sessions/', 'wait/', 'watch/'];

export function onlyWaits(actionId: string): boolean {
  return WAITS.some((start) => actionId.startsWith(start));
}

export function isCleanUp(actionId: string): boolean {
  return actionId.startsWith('clean/');
}

/** Whether the action calls a model, which uses up budgets and needs the conversation. */
export function isModelCall(action: Action): boolean {
  return action.type === 'step' && (action.activity === 'callModel' || action.activity === 'compactContext');
}

/** Whether the action is the first model step of a turn, which looks at the repository. */
export function isFirstModelStep(action: Action): action is Action & { id: string } {
  return action.type === 'step' && action.activity === 'callModel' && action.input.step === 1;
}

export type TimerAbout =
  | { type: 'budget' }
  | { type: 'agentWait'; turnId: string; index: number }
  | { type: 'requestDeadline'; requestId: string }
  | { type: 'quiescence'; turnId: string }
  /** The turn asks whether its host is there. */
  | { type: 'hostProbe'; turnId: string }
  /** Files that could not be stored are stored again. */
  | { type: 'storeAgain' }
  /** The end of the agent task; `at` as of the timer. */
  | { type: 'expiry'; at: number };

/** Ids of actions. The id of a command is also the name by which its processes are found. */
export const actionIds = {
  model: (turnId: string, step: number, tries: number) => `model/${turnId}/${step}/${tries}`,
  compact: (number: number, tries: number) => `compact/${number}/${tries}`,
  tool: (threadId: string, index: number) => `tool/${threadId}/${index}`,
  /** Every command of a thread and of those below it, for a clean-up. */
  toolsOf: (threadId: string) => `tool/${threadId}/*`,
  rules: (index: number) => `rules/${index}`,
  remember: (ruleId: string) => `remember/${ruleId}`,
  snapshot: (turnId: string) => `snapshot/${turnId}`,
  lastSnapshot: (turnId: string) => `snapshot/${turnId}/end`,
  task: (turnId: string, step: number) => `task/${turnId}/${step}`,
  undo: (turnId: string) => `undo/${turnId}`,
  redo: (turnId: string) => `redo/${turnId}`,
  release: (runCount: number) => `release/${runCount}`,
  review: (turnId: string, stage: 'prepare' | 'finish') => `review/${turnId}/${stage}`,
  register: (number: number) => `register/${number}`,
  clean: (number: number) => `clean/${number}`,
  cleanBehind: (number: number) => `behind/${number}`,
  store: (number: number) => `store/${number}`,
  storeAgain: (number: number) => `again/${number}`,
  archive: (segmentId: string) => `archive/${segmentId}`,
  child: (threadId: string) => `child/${threadId}`,
  sessions: (numbers: readonly number[]) => `sessions/${numbers.join()}`,
  watch: (threadId: string) => `watch/${threadId}`,
  message: (number: number) => `message/${number}`,
  wait: (index: number) => `wait/${index}`,
  deadline: (requestId: string) => `deadline/${requestId}`,
  budget: (at: number) => `budget/${at}`,
  expiry: (at: number) => `expiry/${at}`,
  probe: (turnId: string, number: number) => `probe/${turnId}/${number}`,
  askHost: (turnId: string, number: number) => `host/${turnId}/${number}`,
  relocate: (turnId: string) => `relocate/${turnId}`,
  quiescence: (turnId: string) => `quiescence/${turnId}`,
};
