/**
 * Threads within threads, seen from above: a thread's children, their reports, and the messages to them. A child
 * reports to its parent by signal, so a parent that continues as new loses nothing.
 */
import type {
  AbortReason,
  ResolveRequest,
  StartThread,
  SubThread,
  SubThreadMessage,
  SubThreadReport,
  SubThreadRole,
  SubThreadStatus,
  ThreadRequest,
  TurnCompletion,
} from '../../../src/contract/index.ts';
import { type Action, actionIds } from '../state/actions.ts';
import type { Refusal } from '../state/refusal.ts';
import { toFollowUpTurn } from '../../../src/contract/plain/given-turns.ts';
import { LIMITS } from '../../../src/contract/plain/limits.ts';
import { CONVERSATION, runsBeside } from '../../../src/contract/plain/turn-kinds.ts';
import { budgetOfChild, isTreeUsedUp } from '../budget/budget.ts';
import { emit } from '../state/log.ts';
import { report, send } from '../turns/outbox.ts';
import { closeRequest, showRequest, withdraw } from '../turns/requests.ts';
import { noteChanged, storeChanges } from '../turns/stored-files.ts';
import { treeSpent } from '../state/spending.ts';
import {
  type ActiveTurn,
  type Child,
  type ThreadState,
  countsGiven,
  decidesAnew,
  keepsNews,
  stopsAll,
} from '../state/state.ts';
import { TOLD_CHARS, onStepStopped, withTurn } from '../turns/turns.ts';
import { cutToBytes, fitNews, hasRoomFor } from '../state/waiting.ts';
import { later, plus, NOTHING_SPENT } from '../../../src/contract/plain/amounts.ts';

/** Closed children that stay in the list. */
const KEPT_CLOSED = 50;
/** Agents that may be open, busy or not. */
const OPEN_AGENTS = 64;
/** Bytes of a child's last words in views and events. */
const SHOWN_BYTES = 600;

export const isOver = ({ status }: Pick<SubThread, 'status'>): boolean =>
  status === 'shutdown' || status === 'notFound';
export const isAtWork = ({ status }: Pick<SubThread, 'status'>): boolean =>
  status === 'pendingInit' || status === 'running';

/**
 * At work as far as is known, or waiting for a budget, for itself or for a thread below. A child that was asked to
 * close does not count.
 */
export const isBusy = (child: Child): boolean => !isOver(child) && !child.closing && (isAtWork(child) || child.waits);

function withStopping(state: ThreadState, stopping: boolean): ThreadState {
  return state.budget.stopping === stopping ? state : { ...state, budget: { ...state.budget, stopping } };
}

export function depthOf(state: ThreadState): number {
  return state.settings.parent?.path.length ?? 0;
}

export function findChild(state: ThreadState, threadId: string): Child | null {
  return state.children.find((child) => child.threadId === threadId) ?? null;
}

// -------------------------------------------------------------------------------------------------------- starting

export interface NewChild {
  name: string;
  role: SubThreadRole;
  turnId: string;
  start: Omit<StartThread, 'threadId' | 'parent'>;
  /** The commit or branch that must stay checked out in its workspace. */
  checkedOut?: string;
}

/** The reason, for the model, why no child can be started; null if one can. */
export function refuseChild(state: ThreadState, role: SubThreadRole): string | null {
  const { maxDepth, maxActive } = state.settings.subThreads;
  if (state.threadId.length > LIMITS.idChars - 20) return 'This thread has too long an id to have children.';
  if (depthOf(state) + 1 > LIMITS.pathThreads) return 'This thread lies too deep to have children.';
  // Time passes between two events; the next event counts it.
  if (isTreeUsedUp(state, state.updatedAt)) return 'The budget of this thread and its agents is used up.';
  if (role === 'review') return null;
  if (state.settings.parent?.role === 'review') return 'A review has no agents. Look yourself.';
  if (depthOf(state) >= maxDepth)
    return `Agent depth limit reached: agents may be ${maxDepth} deep. Solve the task yourself.`;
  const open = state.children.filter((child) => isAgent(child) && !isOver(child)).length;
  if (decidesAnew(state) && open >= OPEN_AGENTS)
    return `Agent limit reached: ${open} agents are open, which is as many as may be. Close some with close_agent.`;
  const active = state.children.filter((child) => isAgent(child) && isAtWork(child)).length;
  if (active < maxActive) return null;
  return `Agent limit reached: ${active} agents are at work, which is as many as may be. Wait for one of them to end.`;
}

/** Adds a child to start. Its id is its parent's and a number, so that the ids show the tree. */
export function beginChild(state: ThreadState, at: number, given: NewChild): { state: ThreadState; child: Child } {
  const number = state.childCount + 1;
  const threadId = `${state.threadId}/${number}`;
  const path = [...(state.settings.parent?.path ?? []), state.threadId];
  const { name, role, turnId, checkedOut } = given;
  const child: Child = {
    ...{ threadId, name, role, turnId, status: 'pendingInit', lastAgentMessage: null },
    start: {
      ...given.start,
      budget: budgetOfChild(state, at),
      threadId,
      parent: { threadId: state.threadId, path, role, ...(checkedOut === undefined ? {} : { checkedOut }) },
    },
    openTurns: given.start.firstTurn === undefined ? 0 : 1,
    ...(countsGiven(state) && { given: given.start.firstTurn === undefined ? [] : [given.start.firstTurn.turnId] }),
    closing: false,
    news: null,
    spent: NOTHING_SPENT,
    held: false,
    waits: false,
  };
  const next = { ...withStopping(state, false), childCount: number, children: [...state.children, child] };
  return { state: announce(next, at, child), child };
}

function announce(state: ThreadState, at: number, child: Child): ThreadState {
  const { threadId, name, role, turnId, status, lastAgentMessage } = child;
  const subThread = { threadId, name, role, turnId, status, lastAgentMessage };
  return emit(state, at, { type: 'subThread/updated', subThread });
}

/** An agent gets the instructions of the thread, which the state keeps once. */
export function startAction({ settings }: ThreadState, { start, threadId, turnId }: Child): Action[] {
  if (start === null) return [];
  const whole = { ...start, instructions: start.instructions ?? settings.instructions };
  return [{ type: 'startChild', id: actionIds.child(threadId), turnId, start: whole }];
}

/** Handles the end of a child's start. A child that is no longer needed by then is closed. */
export function onStart(state: ThreadState, at: number, child: Child, failure: string | null, wanted: boolean) {
  // It may have been asked to close before it existed.
  const started = { ...child, start: null, closing: false };
  if (failure !== null) return become(state, at, started, 'notFound', failure);
  const isNew = child.status === 'pendingInit';
  const running = isNew ? become(state, at, started, 'running', null) : withChild(state, started);
  return wanted && !child.closing ? running : tellToClose(running, child.threadId, 'its turn was aborted');
}

/** A child has started whose turn is aborted: its turn waits for its end instead. @param startId the action that started it */
export function awaitClose(state: ThreadState, turn: ActiveTurn, startId: string): ThreadState {
  const child = state.children.find(({ threadId }) => actionIds.child(threadId) === startId);
  if (turn.aborting === null) return state;
  if (child === undefined || (isOver(child) && stopsAll(state))) return onStepStopped(state, turn, startId, true);
  const awaiting = turn.aborting.awaiting.map((id) => (id === startId ? actionIds.watch(child.threadId) : id));
  return withTurn(state, { ...turn, aborting: { ...turn.aborting, awaiting } });
}

/** Drops the children of an aborted turn whose start was never begun, or is no longer waited for. */
export function abandonUnstarted(state: ThreadState, at: number, { turnId }: Pick<ActiveTurn, 'turnId'>): ThreadState {
  return state.children
    .filter((child) => child.start !== null && child.turnId === turnId)
    .reduce((current, child) => become(current, at, { ...withoutTurns(child), start: null }, 'shutdown', null), state);
}

/** A child has started that no turn waits for any longer. */
export function onLateStart(state: ThreadState, actionId: string): ThreadState {
  const child = state.children.find(({ threadId }) => actionIds.child(threadId) === actionId);
  if (child === undefined) return state;
  return send(state, child.threadId, { signal: 'closeThread', payload: { reason: 'its turn was aborted' } });
}

// ------------------------------------------------------------------------------------------------------- reporting

export function refuseReport(state: ThreadState, { threadId, report: said }: SubThreadMessage): Refusal | null {
  if (findChild(state, threadId) === null)
    return { code: 'notAChild', reason: `Thread ${threadId} is no child of thread ${state.threadId}.` };
  if (said.type !== 'requestOpened' || isAnswerable(threadId, said.request)) return null;
  const reason = `Request ${said.request.requestId} has no ids of a request of thread ${threadId} or of one below it.`;
  return { code: 'malformed', reason };
}

/** The form of a thread's own request ids; with the id of a thread in front it is a valid id. */
const OWN_REQUEST = /^(?:req|budget)_\d{1,12}$/;

/** Whether an answer to a child's request could reach the thread that asked. */
function isAnswerable(threadId: string, { requestId, origin }: ThreadRequest): boolean {
  if (origin === null) return OWN_REQUEST.test(requestId);
  const { path } = origin;
  return (
    OWN_REQUEST.test(origin.requestId) &&
    requestId === `${origin.threadId}:${origin.requestId}` &&
    path.at(-1) === origin.threadId &&
    path.every((id, index) => isChildId(path[index - 1] ?? threadId, id))
  );
}

function isChildId(parent: string, id: string): boolean {
  return id.startsWith(`${parent}/`) && /^\d+$/.test(id.slice(parent.length + 1));
}

/** Handles the report of a child. */
export function onReport(state: ThreadState, at: number, threadId: string, said: SubThreadReport): ThreadState {
  const child = findChild(state, threadId);
  if (child === null) return state;
  switch (said.type) {
    case 'turnCompleted':
      return isOver(child) ? state : noteWork(endChildTurn(state, at, child, said.turn), at, child);
    case 'requestOpened':
      return isOver(child) ? state : showFromBelow(state, at, fromBelow(child, said.request));
    case 'requestResolved': {
      const requestId = idFromBelow(threadId, said.requestId);
      const open = state.requests.find((request) => request.requestId === requestId);
      return open === undefined ? state : closeRequest(state, at, requestId, said.decision, said.by);
    }
    case 'usage':
      return onUsage(state, at, child, said);
    case 'closed':
      return isOver(child) ? state : noteWork(endChild(state, at, child, 'shutdown'), at, child);
  }
}

/** An agent works in the files of its thread. */
function noteWork(state: ThreadState, at: number, child: Child): ThreadState {
  return isAgent(child) ? storeChanges(noteChanged(state), at) : state;
}

/** The id under which this thread shows the request whose end is reported; null for other reports. */
export function resolvedBelow({ threadId, report: said }: SubThreadMessage): string | null {
  return said.type === 'requestResolved' ? idFromBelow(threadId, said.requestId) : null;
}

/** A report of usage includes all earlier ones. */
function onUsage(
  state: ThreadState,
  at: number,
  child: Child,
  { spent, waits }: Extract<SubThreadReport, { type: 'usage' }>,
): ThreadState {
  const told = { ...child, spent: later(child.spent, spent), waits: waits && !isOver(child) };
  // A child that was stopped and waits again has been given another turn since.
  const again = told.waits && !child.waits;
  const counted = withStopping(withChild(state, told), state.budget.stopping && !again);
  return report(counted, { type: 'usage', spent: treeSpent(counted, at), waits: counted.budget.waits });
}

/** The workflow of a child has ended; nothing to do if the child reported it before. */
export function onGone(state: ThreadState, at: number, threadId: string): ThreadState {
  const child = findChild(state, threadId);
  return child === null || isOver(child) ? state : noteWork(endChild(state, at, child, 'notFound'), at, child);
}

/** A thread's own requests have no colon in their ids. */
function idFromBelow(threadId: string, requestId: string): string {
  return requestId.includes(':') ? requestId : `${threadId}:${requestId}`;
}

/** A child's request as it is shown here. The id names the thread that asked, at any depth. */
function fromBelow(child: Child, request: ThreadRequest): ThreadRequest {
  const { origin } = request;
  const asked = origin ?? { threadId: child.threadId, path: [], requestId: request.requestId };
  return {
    ...request,
    requestId: `${asked.threadId}:${asked.requestId}`,
    origin: { ...asked, path: [child.threadId, ...asked.path], answered: false },
  };
}

/** A request that is too large to be shown here waits in the thread that made it, and its deadline applies there. */
function showFromBelow(state: ThreadState, at: number, request: ThreadRequest): ThreadState {
  if (state.requests.some(({ requestId }) => requestId === request.requestId)) return state;
  if (!decidesAnew(state) || hasRoomFor(state, request)) return showRequest(state, at, request);
  const asked = request.origin?.threadId ?? '';
  const message = `A request of thread ${asked} is too large to be shown here beside those that are open. Answer it there: bobbin thread requests ${asked}`;
  return emit(state, at, { type: 'warning', message });
}

/** Withdraws the requests of a thread below that has ended: no thread is left that could receive an answer. */
export function withdrawRequestsOf(state: ThreadState, at: number, threadId: string): ThreadState {
  return withdraw(state, at, ({ origin }) => origin?.threadId === threadId);
}

function endChildTurn(state: ThreadState, at: number, child: Child, turn: TurnCompletion): ThreadState {
  const given = child.given?.filter((turnId) => turnId !== turn.turnId);
  // A turn of somebody else.
  if (given !== undefined && given.length === child.given?.length) return state;
  const openTurns = given?.length ?? Math.max(0, child.openTurns - 1);
  const words = child.role === 'review' && turn.status === 'completed' ? null : wordsOf(turn);
  // The result of a review is for its turn alone, which receives the whole report.
  const news = child.role === 'review' ? null : withNews(state, child, (words ?? '').slice(0, TOLD_CHARS));
  // A review has one turn, and no agents that could wait after it.
  const ended = { ...child, ...(given && { given }), openTurns, news, waits: child.role !== 'review' && child.waits };
  const status = openTurns > 0 ? 'running' : STATUS_AFTER[turn.status];
  const told = become(state, at, ended, status, words);
  return openTurns > 0 && stopsAll(state) ? told : quietened(told, child.threadId);
}

/** The report of an agent follows those that its model has not seen. */
function withNews(state: ThreadState, { threadId, news }: Child, words: string): string {
  if (!keepsNews(state)) return fitNews(state, threadId, words);
  return fitNews(state, threadId, [news ?? '', words].filter((text) => text !== '').join('\n\n'));
}

const STATUS_AFTER = { completed: 'completed', aborted: 'interrupted', failed: 'errored' } as const;

function wordsOf(turn: TurnCompletion): string {
  switch (turn.status) {
    case 'completed':
      return turn.lastAgentMessage ?? '';
    case 'aborted':
      return turn.lastAgentMessage ?? `aborted: ${turn.reason}`;
    case 'failed':
      return `failed: ${turn.error.message} [${turn.error.code}]`;
  }
}

const HOW_ENDED = { shutdown: 'it was closed', notFound: 'its workflow ended without a word' } as const;

/**
 * Ends a child: it has no open requests and takes no slot.
 * @param how for the model, if it was at work
 * @param proven whether nothing of its steps can still run
 */
function endChild(
  state: ThreadState,
  at: number,
  child: Child,
  status: keyof typeof HOW_ENDED,
  { how = HOW_ENDED[status], proven = true }: { how?: string; proven?: boolean } = {},
): ThreadState {
  const wasAtWork = isAtWork(child) && !child.closing;
  const news = wasAtWork && child.role === 'agent' ? withEnd(state, child, how) : child.news;
  const ended = { ...withoutTurns(child), news };
  const gone = become(state, at, ended, status, wasAtWork ? how : null);
  const withdrawn = withdraw(gone, at, ({ origin }) => origin?.path[0] === child.threadId);
  return forgetOld(quietened(withdrawn, child.threadId, proven));
}

/** It has no turn that could end. */
export function withoutTurns(child: Child): Child {
  return { ...child, openTurns: 0, ...(child.given && { given: [] }) };
}

function withEnd(state: ThreadState, child: Child, how: string): string {
  return keepsNews(state) ? withNews(state, child, how) : how;
}

export function openAgents({ children }: Pick<ThreadState, 'children'>): Child[] {
  return children.filter((child) => isAgent(child) && !isOver(child));
}

/**
 * Ends all agents of a thread that leaves its lost host. They are over here at once, since their steps may wait for that
 * host: of what they report now, only their usage counts. Each closes itself and the agents below it.
 */
export function leaveAgents(state: ThreadState, at: number, host: string): ThreadState {
  const reason = `its host ${host} was lost, and the thread that started it works on another one`;
  const how = `lost with host ${host}: it was closed before its work was done`;
  return openAgents(state).reduce((current, child) => {
    const told = tellToClose(current, child.threadId, reason);
    // One that is being started gets the message after its start, and reports its end.
    return child.start === null ? endChild(told, at, child, 'shutdown', { how, proven: false }) : told;
  }, state);
}

function become(state: ThreadState, at: number, child: Child, status: SubThreadStatus, words: string | null) {
  const lastAgentMessage = words === null ? child.lastAgentMessage : cutToBytes(words, SHOWN_BYTES);
  const changed = { ...child, status, lastAgentMessage };
  return announce(withChild(state, changed), at, changed);
}

export function withChild(state: ThreadState, child: Child): ThreadState {
  return { ...state, children: state.children.map((other) => (other.threadId === child.threadId ? child : other)) };
}

function quietened(state: ThreadState, threadId: string, proven = true): ThreadState {
  const { active } = state;
  const id = actionIds.watch(threadId);
  if (active?.aborting?.awaiting.includes(id) !== true) return state;
  return onStepStopped(state, active, id, proven);
}

function forgetOld(state: ThreadState): ThreadState {
  const over = state.children.filter((child) => isOver(child) && child.news === null);
  const old = new Set(over.slice(0, Math.max(0, over.length - KEPT_CLOSED)));
  if (old.size === 0) return state;
  const forgotten = [...old].reduce((sum, { spent }) => plus(sum, spent), state.budget.forgotten);
  const children = state.children.filter((child) => !old.has(child));
  return { ...state, children, budget: { ...state.budget, forgotten } };
}

// --------------------------------------------------------------------------------------------------------- telling

/** Gives a child another turn. */
export function giveTurn(state: ThreadState, at: number, child: Child, text: string): ThreadState {
  const turnId = toFollowUpTurn(state.messageCount + 1);
  const submitted = send(withStopping(state, false), child.threadId, {
    signal: 'submitTurn',
    payload: { turnId, kind: CONVERSATION, input: [{ type: 'text', text }], onBusy: 'queue' },
  });
  // A child that has not started yet gets the message after its start.
  const status = child.status === 'pendingInit' ? 'pendingInit' : 'running';
  const given = child.given && [...child.given, turnId];
  return become(submitted, at, { ...child, openTurns: child.openTurns + 1, ...(given && { given }) }, status, null);
}

export function tellToClose(state: ThreadState, threadId: string, reason: string): ThreadState {
  const child = findChild(state, threadId);
  if (child === null || child.closing || isOver(child)) return state;
  const told = withChild(state, { ...child, closing: true });
  // A child that has not started yet gets the message after its start.
  return child.start === null ? send(told, threadId, { signal: 'closeThread', payload: { reason } }) : told;
}

export function closeChildren(state: ThreadState, reason: string): ThreadState {
  return state.children.reduce((current, { threadId }) => tellToClose(current, threadId, reason), state);
}

/**
 * Stops children when a turn is aborted. The review that the turn waits for is closed. If a person or a limit ends the
 * turn, every agent and all agents below are interrupted. A turn that replaces another one leaves agents running.
 * @param keepSessions spares the sessions of agents
 * @returns the ids of the busy ones, whose end the abort waits for.
 */
export function stopChildren(
  state: ThreadState,
  turn: Pick<ActiveTurn, 'turnId' | 'kind'>,
  reason: AbortReason,
  keepSessions = false,
) {
  if (runsBeside(turn.kind)) return { state, awaited: [] };
  const reviews = state.children.filter((child) => child.role === 'review' && child.turnId === turn.turnId);
  const agents = reason === 'replaced' ? [] : state.children.filter(isAgent);
  const closed = reviews.reduce((current, { threadId }) => tellToClose(current, threadId, reason), state);
  const awaited = [...reviews, ...agents].filter((child) => child.start === null && isAtWork(child));
  return {
    state:
      agents.length === 0 ? closed : stopAgents(closed, `the turn of its parent was aborted: ${reason}`, keepSessions),
    awaited: awaited.map(({ threadId }) => actionIds.watch(threadId)),
  };
}

/** Interrupts every agent and those below it, idle ones included: a thread below an idle one may be at work. */
export function stopAgents(state: ThreadState, reason: string, keepSessions = false): ThreadState {
  const agents = state.children.filter(
    (child) => isAgent(child) && child.start === null && !child.closing && !isOver(child),
  );
  return agents.reduce(
    (current, { threadId }) =>
      send(current, threadId, {
        signal: 'interruptTurn',
        payload: { reason: reason.slice(0, LIMITS.shortChars), tree: true, ...(keepSessions && { keepSessions }) },
      }),
    withStopping(state, agents.some(isBusy)),
  );
}

const isAgent = ({ role }: Child): boolean => role === 'agent';

/** Watches children that are at work, so that the end of one that sent no report is noticed. */
export function wantedWatches(state: ThreadState): Action[] {
  return state.children
    .filter((child) => child.start === null && !isOver(child) && (isAtWork(child) || child.closing))
    .map(({ threadId }) => ({ type: 'watchChild', id: actionIds.watch(threadId), threadId }));
}

/** Passes an answer on to the thread that asked. The outcome comes back as a report. */
export function passAnswerDown(state: ThreadState, request: ThreadRequest, answer: ResolveRequest): ThreadState {
  const { origin } = request;
  if (origin === null || origin.answered) return state;
  const requests = state.requests.map((open) =>
    open === request ? { ...open, origin: { ...origin, answered: true } } : open,
  );
  return send({ ...state, requests }, origin.threadId, {
    signal: 'resolveRequest',
    payload: { ...answer, requestId: origin.requestId },
  });
}
