/**
 * Commands that were left running. A session begins at the end of the step that started its command, outlives its turn
 * and its run, and ends once: on its own, or by a clean-up, which is the proof that nothing is left of it.
 */
import type { EndedSession, ModelStep } from '../../../activities/contract.ts';
import type { SessionView, StepStatus } from '../../../src/contract/index.ts';
import { toItemId } from '../../../src/contract/plain/item-ids.ts';
import { sandboxFor } from '../approvals/policy.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { addItem, completeItem, itemAt, itemCount } from '../state/log.ts';
import type { Session, ThreadState, ToolCall } from '../state/state.ts';
import { type StepEvent, retried, toSummary } from '../state/steps.ts';
import { noteChanged, storeChanges } from '../turns/stored-files.ts';
import { needCleanUp, statusOf } from './command-step.ts';
import { commandOf } from './labels.ts';

export const MAX_SESSIONS = 16;
/** Sessions that have ended and whose last output the model may still ask for. */
const KEPT_ENDED = 16;

export function sessionsOf({ sessions = [] }: ThreadState): readonly Session[] {
  return sessions;
}

export function openSessions(state: ThreadState): readonly Session[] {
  return sessionsOf(state).filter(({ status }) => status !== 'ended');
}

function runningSessions(state: ThreadState): readonly Session[] {
  return sessionsOf(state).filter(({ status }) => status === 'running');
}

/** Whether a clean-up that ends sessions is under way. */
export function isEndingSessions(state: ThreadState): boolean {
  return sessionsOf(state).some(({ status }) => status === 'stopping');
}

// ----------------------------------------------------------------------------------------------------- begin, end

/** The command of a call has been left running. */
export function beginSession(
  state: ThreadState,
  at: number,
  { index, cwd, timeoutMs, escalated, terminal }: ToolCall,
  { commandId, key, ranMs }: { commandId: string; key: string; ranMs: number },
): ThreadState {
  const { turnId } = itemAt(state.log, index);
  const since = at - ranMs;
  const sandbox = sandboxFor(state.settings, escalated);
  const how = { command: commandOf(state, index), cwd, sandbox, ...(terminal && { terminal }) };
  const about = { id: index, key, commandId, turnId, ...how };
  const session: Session = { ...about, item: itemCount(state.log), since, until: since + timeoutMs, status: 'running' };
  return { ...withItem(state, at, session), sessions: [...sessionsOf(state), session] };
}

function withItem(state: ThreadState, at: number, { id: sessionId, command, cwd }: Session): ThreadState {
  const fresh = { status: 'inProgress', output: '', exitCode: null, durationMs: null } as const;
  return addItem(state, at, { type: 'commandSession', turnId: '', step: 0, sessionId, command, cwd, ...fresh });
}

/**
 * A session has ended. @param report null if nobody has seen how. @param isRead whether the model has read its last
 * output.
 */
export function endSession(state: ThreadState, at: number, { id, report }: EndedSession, isRead: boolean): ThreadState {
  const session = sessionsOf(state).find((one) => one.id === id);
  // Two waits may report the same end: one that was let go, and the next one.
  if (session === undefined || (session.status === 'ended' && !isRead)) return state;
  const others = sessionsOf(state).filter((one) => one !== session);
  // A command that the thread itself has ended has no more to say.
  const kept = isRead || session.status !== 'running' ? [] : [{ ...session, status: 'ended' as const }];
  const next: ThreadState = { ...state, sessions: withinKept([...others, ...kept]) };
  if (session.status === 'ended') return next;
  const noted = storeChanges(noteChanged(next), at);
  const ended = completeItem(noted, at, session.item, toEnd(session, at, report));
  return report?.gone === true ? ended : needCleanUp(ended, [session.commandId]);
}

function withinKept(sessions: readonly Session[]): Session[] {
  const ended = sessions.filter(({ status }) => status === 'ended');
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - KEPT_ENDED)));
  return sessions.filter((session) => !dropped.has(session));
}

function toEnd({ status, since }: Session, at: number, report: EndedSession['report']) {
  const lost: StepStatus = status === 'stopping' ? 'aborted' : 'lost';
  if (report === null) return { status: lost, output: '', exitCode: null, durationMs: at - since };
  const { output, exitCode, durationMs, limit } = report;
  return { status: statusOf(report), output, exitCode, durationMs, ...(limit === undefined ? {} : { limit }) };
}

/** A clean-up ends all that run, or those of one turn, and proves it. */
export function stopSessions(state: ThreadState, ofTurn?: string): ThreadState {
  const going = runningSessions(state).filter(({ turnId }) => ofTurn === undefined || turnId === ofTurn);
  if (going.length === 0) return state;
  const sessions = sessionsOf(state).map((one) =>
    going.includes(one) ? { ...one, status: 'stopping' as const } : one,
  );
  return needCleanUp(
    noteChanged({ ...state, sessions }),
    going.map(({ commandId }) => commandId),
  );
}

/** The clean-up of sessions has ended. */
export function onSessionsCleaned(state: ThreadState, at: number): ThreadState {
  const stopped = sessionsOf(state).filter(({ status }) => status === 'stopping');
  const ended = stopped.reduce((current, { id, item }) => {
    const { since } = sessionsOf(current).find((one) => one.id === id) ?? { since: at };
    const left = { ...current, sessions: sessionsOf(current).filter((one) => one.id !== id) };
    const change = { status: 'aborted' as const, output: '', exitCode: null, durationMs: at - since };
    return completeItem(left, at, item, change);
  }, state);
  return stopped.length === 0 ? ended : storeChanges(ended, at);
}

// ----------------------------------------------------------------------------------------------------- waiting

/** In attempts of two hours, so that a lost attempt is noticed; no session runs longer than one. */
const WAIT_OPTIONS = { ...retried('2h'), heartbeatTimeout: '15s' } as const;

/** One step waits for the end of all; which ones is part of its id. */
export function wantedSessionWait(state: ThreadState): Action[] {
  const open = openSessions(state);
  if (open.length === 0) return [];
  const { threadId } = state;
  const id = actionIds.sessions(open.map((session) => session.id));
  const sessions = open.map(({ id: number, key, commandId }) => ({ id: number, key, commandId }));
  return [
    {
      type: 'step',
      id,
      activity: 'awaitSessions',
      input: { threadId, actionId: id, sessions },
      options: WAIT_OPTIONS,
      summary: toSummary('sessions', sessions.map((session) => session.id).join(', ')),
    },
  ];
}

/** @see wantedSessionWait. It may have been let go meanwhile; what it says of a session still holds. */
export function onSessionWait(state: ThreadState, { id, at, end }: StepEvent<'awaitSessions'>): ThreadState {
  if (end.type === 'aborted') return state;
  const ends = end.type === 'done' ? end.value.ended : toLost(state, id);
  return ends.reduce((current, ended) => endSession(current, at, ended, false), state);
}

/** A wait that failed would fail again. */
function toLost(state: ThreadState, waitId: string): EndedSession[] {
  const open = openSessions(state);
  if (actionIds.sessions(open.map(({ id }) => id)) !== waitId) return [];
  return open.map(({ id }) => ({ id, report: null }));
}

// ----------------------------------------------------------------------------------------------------- history

/**
 * Ends the items of open sessions and begins new ones: an item that has not ended would hold everything after it back
 * from the archive.
 */
export function moveSessions(state: ThreadState, at: number): ThreadState {
  return openSessions(state).reduce((current, session) => {
    const item = itemCount(current.log);
    const moved = { status: 'completed' as const, continuesAs: toItemId(item) };
    const next = withItem(completeItem(current, at, session.item, moved), at, session);
    return { ...next, sessions: sessionsOf(next).map((one) => (one.id === session.id ? { ...one, item } : one)) };
  }, state);
}

/** For the model. */
export function toToldSessions(state: ThreadState): NonNullable<ModelStep['sessions']> {
  return sessionsOf(state).map(({ id, command, status }) => ({ id, command, hasEnded: status === 'ended' }));
}

export function toSessionViews(state: ThreadState): SessionView[] {
  return openSessions(state).map(({ id, item, turnId, command, cwd, status, since, until }) => ({
    ...{ sessionId: id, itemId: toItemId(item), turnId, command, cwd },
    ...{ status: status === 'stopping' ? 'stopping' : 'running', startedAt: since, endsAt: until },
  }));
}
