/** One step of a chat: the state and an input give the next state, lines that stay on the screen, and effects. Pure. */
import type { PartialEvent, ThreadEvent, ThreadRequest, ThreadView } from '../../../contract/index.ts';
import { type Part, paint } from '../text/terminal-text.ts';
import { labelled } from '../thread/watch-tree.ts';
import { draftOf } from './editor.ts';
import { cutOff, noteEvent, showPartial } from '../../running-steps.ts';
import { pressKey, pasteText, takeLine } from './prompt.ts';
import {
  type Asked,
  type ChatInput,
  type ChatState,
  type Effect,
  type Step,
  type Trouble,
  initialState,
  readOn,
} from './state.ts';
import { renderAsked, renderCutOff, renderForChat, renderLeft } from './transcript.ts';

export function reduce(state: ChatState, input: ChatInput): Step {
  switch (input.type) {
    case 'opened':
      return step(withoutThread(state, input.threadId), input.lines);
    case 'past':
      return step({ ...state, pastUntil: input.until, pastOpen: new Set(input.open) }, input.lines);
    case 'started':
      return step({ ...state, threadId: input.threadId });
    case 'event':
      return 'seq' in input.event ? onEvent(state, input.event) : step(onPartial(state, input.event));
    case 'agentEvent':
      return onAgentEvent(state, input);
    case 'view':
      return onView(state, input.view);
    case 'trouble':
      return onTrouble(state, input.trouble);
    case 'key':
      return pressKey(state, input.key);
    case 'paste':
      return pasteText(state, input.text);
    case 'line':
      return takeLine(state, input.text);
    case 'submitted': {
      const { turnId, text } = input;
      const unfinished = new Set([...state.unfinished, turnId]);
      return step({ ...state, unfinished, waiting: [...state.waiting, { turnId, text }] });
    }
    case 'said': {
      const { text, lines, turnId } = input;
      const draft = text !== undefined && state.draft.text === '' ? draftOf(text) : state.draft;
      const waiting = state.waiting.filter((one) => one.turnId !== turnId);
      const unfinished = turnId === undefined ? state.unfinished : without(state.unfinished, turnId);
      return step({ ...state, draft, waiting, unfinished }, lines);
    }
    case 'working':
      return step({ ...state, working: state.working + input.change });
    case 'answerLost':
      return step({ ...state, sent: without(state.sent, input.requestId) }, [], [{ type: 'refresh' }]);
    case 'offers':
      return step({ ...state, offers: input.offers });
    case 'pick':
      return step({ ...state, picker: { threads: input.threads, at: 0 } });
    case 'left':
      return step({ ...state, live: [] }, state.live.flatMap(renderLeft));
    case 'tick':
      return step(onTick(state, input.now));
  }
}

function step(state: ChatState, out: readonly Part[] = [], effects: readonly Effect[] = []): Step {
  return { state, out, effects };
}

/** The person's own things stay; everything of a thread comes from its events and its view. */
function withoutThread(state: ChatState, threadId: string): ChatState {
  const { draft, recall, nextModel, nextEffort, working, now } = state;
  return { ...initialState(threadId, [], now), draft, recall, nextModel, nextEffort, working };
}

function without(set: ReadonlySet<string>, gone: string): ReadonlySet<string> {
  return new Set([...set].filter((one) => one !== gone));
}

/** Changes the view of the thread; a text that is streamed only changes `live`. */
const CHANGES_VIEW = new Set<ThreadEvent['type']>([
  'turn/started',
  'turn/completed',
  'turn/queued',
  'turn/queueUpdated',
  'item/started',
  'item/completed',
  'item/commandExecution/requestApproval',
  'item/fileChange/requestApproval',
  'item/mcpToolCall/requestApproval',
  'item/tool/requestUserInput',
  'turn/budget/requestApproval',
  'serverRequest/resolved',
  'thread/tokenUsage/updated',
  'subThread/updated',
  'thread/closed',
]);

function onEvent(state: ChatState, event: ThreadEvent): Step {
  const isPast = event.seq <= state.pastUntil;
  const { threadId, asked, pastOpen } = state;
  const isOpen = (requestId: string) => !isPast || pastOpen.has(requestId);
  const out = renderForChat(event, { threadId, asked, isOpen });
  const cut = cutOff(state.live, event);
  const next: ChatState = {
    ...state,
    live: noteEvent(state.live, event),
    requests: withoutResolved(state.requests, event),
    asked: 'request' in event ? withAsked(asked, [event.request]) : asked,
    retrying: event.type === 'item/started' || event.type === 'turn/completed' ? null : state.retrying,
    ...onRejected(state, event),
    waiting: withoutRecorded(state.waiting, event),
    unfinished: withoutEnded(state.unfinished, event),
  };
  const lines = cut === undefined ? out : [...renderCutOff(cut), ...out];
  return step(next, lines, !isPast && CHANGES_VIEW.has(event.type) ? [{ type: 'refresh' }] : []);
}

/** What an agent does is shown with its name in front. Its requests are also those of the thread, and shown there. */
function onAgentEvent(state: ChatState, { threadId, name, event }: Extract<ChatInput, { type: 'agentEvent' }>): Step {
  const { live } = state.agents.get(threadId) ?? { live: [] };
  const next = 'seq' in event ? noteEvent(live, event) : showPartial(live, event);
  const agents = new Map(state.agents);
  if (next.length === 0) agents.delete(threadId);
  else agents.set(threadId, { name, live: next });
  if (!('seq' in event)) return step({ ...state, agents });
  const cut = cutOff(live, event);
  const { asked } = state;
  const lines = [
    ...(cut === undefined ? [] : renderCutOff(cut)),
    ...renderForChat(event, { threadId, asked, isOpen: () => false }),
  ];
  return step({ ...state, agents }, labelled(name, lines));
}

function withoutResolved(requests: ChatState['requests'], event: ThreadEvent): ChatState['requests'] {
  if (event.type !== 'serverRequest/resolved') return requests;
  return requests.filter(({ request }) => request.requestId !== event.requestId);
}

function withAsked(asked: ReadonlySet<string>, requests: readonly ThreadRequest[]): ReadonlySet<string> {
  const added = requests.flatMap(({ requestId, itemId }) => (itemId === null ? [requestId] : [requestId, itemId]));
  return added.length === 0 ? asked : new Set([...asked, ...added]);
}

/** The text of a refused turn returns to the prompt, and a refused answer can be given again. */
function onRejected(state: ChatState, event: ThreadEvent): Partial<ChatState> {
  if (event.type !== 'message/rejected' || event.id === null) return {};
  const { id } = event;
  const lost = state.waiting.find(({ turnId }) => turnId === id);
  const draft = lost !== undefined && state.draft.text === '' ? draftOf(lost.text) : state.draft;
  return { draft, sent: without(state.sent, id) };
}

function withoutRecorded(waiting: ChatState['waiting'], event: ThreadEvent): ChatState['waiting'] {
  const id = recordedId(event);
  return id === null ? waiting : waiting.filter(({ turnId }) => turnId !== id);
}

/** A turn that joins another one ends with it. */
function withoutEnded(unfinished: ReadonlySet<string>, event: ThreadEvent): ReadonlySet<string> {
  if (event.type === 'turn/completed') return without(unfinished, event.turn.turnId);
  if (event.type === 'message/rejected' && event.id !== null) return without(unfinished, event.id);
  if (event.type !== 'turn/steered' || event.steerTurnId === null) return unfinished;
  return new Set([...without(unfinished, event.steerTurnId), event.turnId]);
}

function recordedId(event: ThreadEvent): string | null {
  if (event.type === 'turn/started' || event.type === 'turn/queued') return event.turnId;
  if (event.type === 'turn/completed') return event.turn.turnId;
  if (event.type === 'turn/steered') return event.steerTurnId;
  return event.type === 'message/rejected' ? event.id : null;
}

function onPartial(state: ChatState, event: PartialEvent): ChatState {
  const live = showPartial(state.live, event);
  if (event.type !== 'step/retrying') return { ...state, live, retrying: null };
  const reason = event.lastFailure === null ? '' : `: ${event.lastFailure}`;
  return { ...state, live, retrying: `attempt ${event.attempt}${reason}` };
}

/** A request that the view has before its event is printed here: nobody answers what was not shown whole. */
function onView(state: ChatState, view: ThreadView): Step {
  const open = view.openRequests.filter(({ origin }) => origin?.answered !== true);
  const unseen = open.filter(({ requestId }) => !state.asked.has(requestId));
  const requests = open
    .filter(({ requestId }) => !state.sent.has(requestId))
    .map((request, index): Asked => {
      const known = state.requests.find((asked) => asked.request.requestId === request.requestId);
      return { request, ticks: index === 0 ? (known?.ticks ?? 0) : 0 };
    });
  const sent = new Set([...state.sent].filter((id) => open.some(({ requestId }) => requestId === id)));
  const next = { ...state, view, requests, sent, asked: withAsked(state.asked, unseen) };
  return step(next, unseen.flatMap(renderAsked));
}

const LOST: Record<Exclude<Trouble, 'slow'>, string> = {
  worker: 'The worker does not answer. What was sent is kept; this goes on when one is back.',
  service: 'The Temporal service does not answer. This goes on when it is back.',
};
const BACK: typeof LOST = {
  worker: 'A worker answers again.',
  service: 'The Temporal service answers again.',
};

function onTrouble(state: ChatState, trouble: Trouble | null): Step {
  const { trouble: before } = state;
  if (trouble === before || (trouble === 'slow' && before !== null)) return step(state);
  const next = { ...state, trouble };
  if (trouble === 'slow') return step(next);
  if (trouble !== null) return step(next, [paint.yellow(LOST[trouble])]);
  return step(next, before === null || before === 'slow' ? [] : [paint.yellow(BACK[before])]);
}

const LEAVING_MS = 2_000;

/** Without anything that depends on the time, the state stays the same object, and nothing is drawn. */
function onTick(state: ChatState, now: number): ChatState {
  const isLeaving = state.leavingAt !== null && now - state.leavingAt < LEAVING_MS;
  const isTimed =
    state.leavingAt !== null ||
    state.requests.length > 0 ||
    (state.view?.activeTurn ?? null) !== null ||
    state.waiting.length > 0;
  return isTimed ? { ...state, now, requests: readOn(state), leavingAt: isLeaving ? state.leavingAt : null } : state;
}
