/**
 * A closed thread continues as a new run of the same id, from the state of the closed run.
 *
 * Resuming is reading: a thread that was closed properly gets no event and keeps its time of change. If its workflow
 * was ended from outside, everything unfinished is ended here, once, at the last time that the state knows of.
 */
import type { ThreadPast } from '../../../activities/ports.ts';
import type { ArchiveSegment, StartThread, ThreadSettings } from '../../../src/contract/index.ts';
import { modelOptionsOf } from '../../../src/contract/plain/model-options.ts';
import { carryOverBytes, toCarryOver } from './carry-over.ts';
import { archivable, withoutSegment } from '../state/log.ts';
import { type ActiveTurn, type Child, type ThreadState, endMove, withoutRelocation } from '../state/state.ts';
import { isOver, stopChildren, tellToClose, withChild, withoutTurns } from '../agents/sub-threads.ts';
import { isCleanUp } from '../state/actions.ts';
import { needCleanUp } from '../tools/command-step.ts';
import { stopSessions } from '../tools/sessions.ts';
import { tasks } from '../tasks/index.ts';
import { dropQueued, concludeTurn } from '../turns/turns.ts';
import { bytesOf } from '../state/waiting.ts';

/** The handover of a closed run to the run that resumes it; the answer of the query `closedRun`. */
export type Handover =
  /** The segments must be archived first: the state relies on it. */
  | { type: 'state'; state: ThreadState; toArchive: ArchiveSegment[] }
  | { type: 'tooLarge'; bytes: number }
  /** The run had to continue from that one, and never started. */
  | { type: 'elsewhere'; runId: string }
  /** The thread was never open. */
  | { type: 'nothing' };

/** The same with the facts that a fork needs. */
export type ClosedPast = { type: 'past'; past: ThreadPast } | Extract<Handover, { type: 'elsewhere' | 'nothing' }>;

/** Leaves out everything no longer needed, and moves to the archive what would be too large to carry over. */
export function toHandover(state: ThreadState): Handover {
  // Queued turns will not begin, so their input is not needed.
  const queue = state.queue.map((queued) => ({ ...queued, input: [] }));
  let left: ThreadState = { ...state, queue };
  const toArchive: ArchiveSegment[] = [];
  const most = carryOverBytes(state);
  if (sizeOf(left) > most) {
    for (let next = archivable(left); next !== null; next = archivable(left)) {
      toArchive.push(next);
      left = { ...left, log: withoutSegment(left.log, next) };
    }
  }
  const bytes = sizeOf(left);
  return bytes > most ? { type: 'tooLarge', bytes } : { type: 'state', state: left, toArchive };
}

function sizeOf(state: ThreadState): number {
  return bytesOf(toCarryOver(state));
}

const DETAIL = 'the workflow of the thread was ended before the turn';

/**
 * The thread, open again. The agent task, cleared or not, the rules and the usage are unchanged. A registration that
 * was under way is forgotten with its run.
 */
export function resumed(state: ThreadState): ThreadState {
  const open: ThreadState = {
    ...withoutRelocation(endMove(standingAlone(state))),
    status: 'open',
    closeReason: null,
    rollover: null,
    runCount: state.runCount + 1,
    agentTask: { ...state.agentTask, registration: null },
    // Usage stays. No thread above decides about it any longer, and nothing is asked before something is to begin.
    budget: { ...state.budget, held: false, waits: false, stopping: true },
  };
  const at = state.updatedAt;
  const alone = state.status === 'closed' ? withoutChildren(open) : closeHalfStarted(open);
  const emptied = alone.queue.reduce(
    (current, { turnId }) => dropQueued(current, at, turnId, 'interrupted', DETAIL),
    alone,
  );
  const unfinished = [state.active, ...state.beside].filter((turn) => turn !== null);
  return stopSessions(unfinished.reduce((current, turn) => endUnfinished(current, at, turn), emptied));
}

/** A former child is closed for its parent, and continues without it. */
function standingAlone(state: ThreadState): ThreadState {
  const { parent } = state.settings;
  if (parent === null) return state;
  const outbox = state.outbox.filter(({ to }) => to !== parent.threadId);
  return { ...state, outbox, settings: { ...state.settings, parent: null } };
}

/** A thread that was closed properly has asked its children to close, and no longer deals with them. */
function withoutChildren(state: ThreadState): ThreadState {
  return { ...state, children: state.children.map(closedWithParent) };
}

function closedWithParent(child: Child): Child {
  if (isOver(child)) return child;
  return { ...withoutTurns(child), status: 'shutdown', start: null, closing: true, news: null };
}

/** It is not known whether a child exists whose start was under way, so it is asked to close. */
function closeHalfStarted(state: ThreadState): ThreadState {
  return state.children
    .filter((child) => child.start !== null)
    .reduce((current, child) => {
      const started = withChild(current, { ...child, start: null });
      return tellToClose(started, child.threadId, DETAIL);
    }, state);
}

/** Others may have changed files since, so no snapshot is taken for the end of the turn. */
function endUnfinished(state: ThreadState, at: number, turn: ActiveTurn): ThreadState {
  const ended = turn.ending === undefined ? abortUnfinished(state, at, turn) : state;
  const waiting = [ended.active, ...ended.beside].find((one) => one?.turnId === turn.turnId);
  return waiting ? concludeTurn(ended, at, waiting, null) : ended;
}

/** Its commands may still run, so nothing touches the workspace before a clean-up. */
function abortUnfinished(state: ThreadState, at: number, turn: ActiveTurn): ThreadState {
  const begun = turn.aborting?.awaiting ?? tasks.desiredActions(state, turn).map(({ id }) => id);
  const commandIds = begun.filter((id) => id.startsWith('tool/'));
  const { reason, detail, quiescent } = turn.aborting ?? { reason: 'interrupted', detail: DETAIL, quiescent: true };
  const stopping = turn.aborting === null ? stopChildren(state, turn, 'interrupted').state : state;
  const ended = tasks.finishAbort(stopping, at, {
    ...turn,
    aborting: {
      reason,
      detail,
      since: at,
      awaiting: [],
      quiescent: quiescent && commandIds.length === 0 && !begun.some(isCleanUp),
    },
  });
  return needCleanUp(ended, commandIds);
}

/** The settings with those that the resume changes; the workspace and the identity stay. */
export function withChanges(settings: ThreadSettings, start: StartThread): ThreadSettings {
  const { title, model, instructions, approvalPolicy, sandbox, unattended } = start;
  return {
    ...settings,
    ...(title === undefined ? {} : { title }),
    ...(model === undefined ? {} : { model }),
    ...modelOptionsOf(start),
    ...(instructions === undefined ? {} : { instructions }),
    ...(approvalPolicy === undefined ? {} : { approvalPolicy }),
    ...(sandbox === undefined ? {} : { sandbox }),
    ...(unattended === undefined ? {} : { unattended }),
  };
}
