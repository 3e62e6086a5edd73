/** The state of a thread on the page. Everything in it comes from the thread's events and its view. Pure. */
import type { Item, PartialEvent, PlanStep } from '../../../../contract/index.ts';
import type { ThreadEvent, ThreadRequest, ThreadView } from '../../../../contract/index.ts';
import { type Live, cutOff, noteEvent, showPartial } from '../../../running-steps.ts';
import { type Note, toNote } from './notes.ts';
import { type SessionOutput, noteSessions } from './session-output.ts';

export type Entry = { key: string; item: Item } | { key: string; note: Note };

export interface ThreadState {
  /** Null until the thread has answered. */
  view: ThreadView | null;
  /** Of the newest event that is here. */
  seq: number;
  /** In the order of the conversation. */
  entries: readonly Entry[];
  live: Live;
  /** Of commands that were left running. */
  sessions: readonly SessionOutput[];
  plan: readonly PlanStep[];
  /** Open requests that were not answered here, with their whole texts. */
  requests: readonly ThreadRequest[];
  /** Ids of requests that were answered here. */
  answered: ReadonlySet<string>;
  /** Prompts that were accepted by the server, and of which the thread has recorded nothing yet. */
  sent: readonly Prompt[];
  /** A step that is tried again. */
  retrying: string | null;
  /** The reason why nothing new is received, or why the state of the thread is not known. */
  trouble: { stream: string | null; view: string | null };
  /** The prompt that is being written. */
  draft: string;
}

export interface Prompt {
  turnId: string;
  text: string;
}

export type Input =
  | { type: 'event'; event: ThreadEvent | PartialEvent }
  /** The requests are whole. */
  | { type: 'view'; view: ThreadView; requests: readonly ThreadRequest[] }
  | { type: 'earlier'; items: readonly Item[] }
  | { type: 'trouble'; of: 'stream' | 'view'; words: string | null }
  | { type: 'draft'; text: string }
  /** `draft`: what was sent of it. */
  | { type: 'sent'; prompt: Prompt; draft: string }
  | { type: 'answered'; requestId: string }
  | { type: 'answerLost'; requestId: string };

/** More are not kept: a person can read earlier items on demand. */
const MAX_ENTRIES = 2_000;

export const NEW_THREAD: ThreadState = {
  view: null,
  seq: 0,
  entries: [],
  live: [],
  sessions: [],
  plan: [],
  requests: [],
  answered: new Set(),
  sent: [],
  retrying: null,
  trouble: { stream: null, view: null },
  draft: '',
};

export function reduce(state: ThreadState, input: Input): ThreadState {
  switch (input.type) {
    case 'event':
      return 'seq' in input.event ? onEvent(state, input.event) : onPartial(state, input.event);
    case 'view':
      return onView(state, input.view, input.requests);
    case 'earlier': {
      const known = new Set(state.entries.map(({ key }) => key));
      const added = input.items.filter(({ id }) => !known.has(id)).map((item): Entry => ({ key: item.id, item }));
      return { ...state, entries: [...added, ...state.entries] };
    }
    case 'trouble':
      return { ...state, trouble: { ...state.trouble, [input.of]: input.words } };
    case 'draft':
      return { ...state, draft: input.text };
    case 'sent':
      return {
        ...state,
        draft: state.draft.startsWith(input.draft) ? state.draft.slice(input.draft.length) : state.draft,
        sent: isRecorded(state, input.prompt.turnId) ? state.sent : [...state.sent, input.prompt],
      };
    case 'answered':
      return {
        ...state,
        answered: new Set([...state.answered, input.requestId]),
        requests: state.requests.filter(({ requestId }) => requestId !== input.requestId),
      };
    case 'answerLost':
      return { ...state, answered: new Set([...state.answered].filter((id) => id !== input.requestId)) };
  }
}

/** The event of a prompt may be here before the answer to it. */
function isRecorded({ entries }: ThreadState, turnId: string): boolean {
  return entries.some((entry) => 'item' in entry && entry.item.turnId === turnId);
}

function onEvent(state: ThreadState, event: ThreadEvent): ThreadState {
  const recorded = recordedId(event);
  const ended = event.type === 'serverRequest/resolved' ? event.requestId : null;
  return {
    ...state,
    ...onRejected(state, event),
    seq: event.seq,
    entries: addEvent(addCutOff(state, event), event).slice(-MAX_ENTRIES),
    live: noteEvent(state.live, event),
    sessions: noteSessions(state.sessions, event),
    plan: event.type === 'turn/plan/updated' ? event.plan : state.plan,
    requests: state.requests.filter(({ requestId }) => requestId !== ended),
    sent: state.sent.filter(({ turnId }) => turnId !== recorded),
    retrying: event.type === 'item/started' || event.type === 'turn/completed' ? null : state.retrying,
  };
}

/** A refused answer can be given again, and the text of a refused turn returns to the prompt. */
function onRejected(state: ThreadState, event: ThreadEvent): Partial<ThreadState> {
  if (event.type !== 'message/rejected' || event.id === null) return {};
  const lost = state.sent.find(({ turnId }) => turnId === event.id);
  return {
    answered: new Set([...state.answered].filter((id) => id !== event.id)),
    draft: lost !== undefined && state.draft === '' ? lost.text : state.draft,
  };
}

function recordedId(event: ThreadEvent): string | null {
  if (event.type === 'turn/started' || event.type === 'turn/queued') return event.turnId;
  if (event.type === 'turn/completed') return event.turn.turnId;
  if (event.type === 'turn/steered') return event.steerTurnId;
  return event.type === 'message/rejected' ? event.id : null;
}

function addEvent(entries: readonly Entry[], event: ThreadEvent): readonly Entry[] {
  if (event.type === 'item/started' || event.type === 'item/completed') return putItem(entries, event.item);
  const note = toNote(event);
  return note === null ? entries : [...entries, { key: `event_${event.seq}`, note }];
}

/** What was shown of an answer stays, although the thread keeps nothing of it. */
function addCutOff({ entries, live }: ThreadState, event: ThreadEvent): readonly Entry[] {
  const cut = cutOff(live, event);
  if (cut === undefined) return entries;
  const id = `cut_${event.seq}`;
  const item: Item = { id, turnId: cut.turnId, step: 0, type: 'agentMessage', text: cut.tail };
  const text = 'The answer was cut off here. The thread keeps nothing of it.';
  return [...entries, { key: id, item }, { key: `${id}_note`, note: { tone: 'warning', text } }];
}

/** An item keeps its place when it is completed. */
function putItem(entries: readonly Entry[], item: Item): readonly Entry[] {
  const entry = { key: item.id, item };
  const at = entries.findLastIndex(({ key }) => key === item.id);
  return at < 0 ? [...entries, entry] : entries.with(at, entry);
}

function onPartial(state: ThreadState, event: PartialEvent): ThreadState {
  const live = showPartial(state.live, event);
  const sessions = noteSessions(state.sessions, event);
  if (event.type !== 'step/retrying') return { ...state, live, sessions, retrying: null };
  const reason = event.lastFailure === null ? '' : `: ${event.lastFailure}`;
  return { ...state, live, retrying: `attempt ${event.attempt}${reason}` };
}

function onView(state: ThreadState, view: ThreadView, requests: readonly ThreadRequest[]): ThreadState {
  const open = requests.filter(({ origin }) => origin?.answered !== true);
  const known = new Map(state.requests.map((request) => [request.requestId, request]));
  return {
    ...state,
    view,
    trouble: { ...state.trouble, view: null },
    // A request does not change, so the same object is kept, and with it what a person has written into its form.
    requests: open
      .filter(({ requestId }) => !state.answered.has(requestId))
      .map((request) => known.get(request.requestId) ?? request),
  };
}

/** Number of the first item that is shown; null if none is. */
export function firstShown(entries: readonly Entry[]): number | null {
  const first = entries.find(({ key }) => key.startsWith('item_'));
  return first === undefined ? null : Number(first.key.slice('item_'.length));
}
