/** The state of a chat on the screen. Everything of the thread in it comes from its events and its view. */
import type { EditQueue, PartialEvent, ResolveRequest } from '../../../contract/index.ts';
import type { ThreadEvent, ThreadRequest, ThreadView } from '../../../contract/index.ts';
import type { ModelOptions } from '../../../contract/plain/model-options.ts';
import type { Part } from '../text/terminal-text.ts';
import { type Draft, EMPTY, type Key, type Recall, recallOf } from './editor.ts';
import type { Live } from '../../running-steps.ts';
import type { Answering } from './requests.ts';
import type { SlashCommand } from './slash.ts';

export interface ChatState {
  /** Empty until there is one. */
  threadId: string;
  /** Null until the thread has answered. */
  view: ThreadView | null;
  /** Events up to this number are of the past. */
  pastUntil: number;
  /** Ids of the requests of the past that are open. */
  pastOpen: ReadonlySet<string>;
  draft: Draft;
  recall: Recall;
  /** What Tab would insert for the word before the cursor. */
  offers: Offers | null;
  picker: Picker | null;
  live: Live;
  /** The same of agents that show something, by their ids. */
  agents: ReadonlyMap<string, Agent>;
  /** Open requests that nobody here has answered, whole. */
  requests: readonly Asked[];
  /** Ids of requests that were answered here, while the thread still lists them. */
  sent: ReadonlySet<string>;
  /** Ids of requests that were printed whole, and of their items. */
  asked: ReadonlySet<string>;
  answering: Answering | null;
  /** Turns that were submitted and of which the thread has recorded nothing yet. */
  waiting: readonly { turnId: string; text: string }[];
  /** Turns that were submitted here and have not ended. */
  unfinished: ReadonlySet<string>;
  /** Number of commands at work. */
  working: number;
  trouble: Trouble | null;
  /** A step that is tried again. */
  retrying: string | null;
  /** From the next turn on; null to keep the thread's. */
  nextModel: string | null;
  /** The same for the effort. */
  nextEffort: ModelOptions['effort'] | null;
  /** When Ctrl-C was pressed; null if a second one would not leave. */
  leavingAt: number | null;
  now: number;
}

/** `slow`: no answer for some seconds, for a reason that is not known yet. */
export type Trouble = 'worker' | 'service' | 'slow';

/** `name` has the names from the first agent down. */
export interface Agent {
  name: string;
  live: Live;
}

export interface Asked {
  request: ThreadRequest;
  /** For how long it could be read, in ticks: it was the first one then, and if it is a question, the prompt was empty. */
  ticks: number;
}

/** A list of threads, and the number of the chosen one. */
export interface Picker {
  threads: readonly { threadId: string; title: string; status: string }[];
  at: number;
}

export interface Offers {
  words: readonly string[];
  /** The part of the draft that an offer replaces. */
  from: number;
  to: number;
}

export type ChatInput =
  /** Another thread from now on. */
  | { type: 'opened'; threadId: string; lines: readonly Part[] }
  /** Its past follows: the events up to this number. `open`: ids of the open requests among them. */
  | { type: 'past'; until: number; open: readonly string[]; lines: readonly Part[] }
  /** A new thread. */
  | { type: 'started'; threadId: string }
  | { type: 'event'; event: ThreadEvent | PartialEvent }
  /** Of a thread below. */
  | { type: 'agentEvent'; threadId: string; name: string; event: ThreadEvent | PartialEvent }
  /** The requests in it are whole. */
  | { type: 'view'; view: ThreadView }
  | { type: 'trouble'; trouble: Trouble | null }
  | { type: 'key'; key: Key }
  | { type: 'paste'; text: string }
  /** Of a person without a terminal. */
  | { type: 'line'; text: string }
  | { type: 'submitted'; turnId: string; text: string }
  /** Lines that an effect prints. A failed submission gives its text back. */
  | { type: 'said'; lines: readonly Part[]; text?: string; turnId?: string }
  | { type: 'working'; change: 1 | -1 }
  | { type: 'answerLost'; requestId: string }
  | { type: 'offers'; offers: Offers | null }
  | { type: 'pick'; threads: Picker['threads'] }
  /** The person leaves. */
  | { type: 'left' }
  | { type: 'tick'; now: number };

export type Effect =
  | { type: 'submit'; text: string; onBusy: 'steer' | 'queue'; model: string | null; effort?: ModelOptions['effort'] }
  | { type: 'shell'; command: string }
  | { type: 'resolve'; answer: ResolveRequest }
  | { type: 'interrupt' }
  | { type: 'editQueue'; edit: EditQueue }
  | { type: 'slash'; command: SlashCommand }
  | { type: 'remember'; prompts: readonly string[] }
  | { type: 'complete'; draft: Draft }
  /** Read the view again. */
  | { type: 'refresh' }
  | { type: 'leave' };

/** What a step of the chat gives: the next state, lines that stay, and what to do. */
export interface Step {
  state: ChatState;
  out: readonly Part[];
  effects: readonly Effect[];
}

export function initialState(threadId: string, prompts: readonly string[], now: number): ChatState {
  return {
    threadId,
    view: null,
    pastUntil: 0,
    pastOpen: new Set(),
    draft: EMPTY,
    recall: recallOf(prompts),
    offers: null,
    picker: null,
    live: [],
    agents: new Map(),
    requests: [],
    sent: new Set(),
    asked: new Set(),
    answering: null,
    waiting: [],
    unfinished: new Set(),
    working: 0,
    trouble: null,
    retrying: null,
    nextModel: null,
    nextEffort: null,
    leavingAt: null,
    now,
  };
}

export const TICK_MS = 250;

/**
 * Keys that were typed before a person could have read a request do not answer it. Counted in ticks, because keys that wait
 * while the process is busy are taken before the next tick.
 */
const READING_TICKS = 3;

/** One tick more for the request that can be read. */
export function readOn({ requests, draft }: ChatState): readonly Asked[] {
  const [first, ...others] = requests;
  if (first === undefined || first.ticks >= READING_TICKS) return requests;
  // What was typed before a question is no answer to it.
  if (first.request.type === 'userInput' && draft.text !== '') return requests;
  return [{ ...first, ticks: first.ticks + 1 }, ...others];
}

/** The request that keys and lines answer. While the prompt holds text, keys go there. */
export function askedNow({ requests, draft }: ChatState): ThreadRequest | undefined {
  const [first] = requests;
  if (first === undefined || first.ticks < READING_TICKS) return undefined;
  return draft.text === '' || first.request.type === 'userInput' ? first.request : undefined;
}

/** Whether commands run that no turn waits for. */
export function hasSessions({ view }: ChatState): boolean {
  return view?.sessions !== undefined;
}

export function isActive({ view }: ChatState): boolean {
  return view !== null && (view.activeTurn !== null || view.besideTurns.length > 0);
}

/** Also with a turn that was sent from here, which the view shows only after it was read again. */
export function isAtWork(state: ChatState): boolean {
  return isActive(state) || state.unfinished.size > 0;
}
