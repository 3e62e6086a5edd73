/**
 * A thread that is moved to another folder. The checks and the work on hosts are steps of the update; here are the rules
 * that refuse it, and the change of the state, which is one: either all of it holds or nothing.
 */
import type { NewPlace, RestoredWorkspace } from '../../../activities/contract.ts';
import type { MoveThread, ThreadSettings, WorkspaceMove, WorkspacePlace } from '../../../src/contract/index.ts';
import { isOver, leaveAgents, openAgents } from '../agents/sub-threads.ts';
import { plural } from '../../../src/contract/plain/plural.ts';
import { emit } from '../state/log.ts';
import { actionIds } from '../state/actions.ts';
import type { Refusal } from '../state/refusal.ts';
import {
  type ActiveTurn,
  type Child,
  type ThreadState,
  type TurnRecord,
  type TurnSnapshot,
  endMove,
  endsWithMove,
  isConversation,
  leavesAgents,
  leavesFolder,
} from '../state/state.ts';
import { tasks } from '../tasks/index.ts';
import { endSession, openSessions } from '../tools/sessions.ts';
import { leaveBehind } from '../turns/left-behind.ts';
import { forgetUndos } from '../turns/dropped-turns.ts';
import { onMail } from '../turns/inbox.ts';
import { concludeTurn } from '../turns/turns.ts';
import { isUnstored, lacksStart, storeStart, storedOf } from '../turns/stored-files.ts';

/** The reason why an open thread cannot be moved now; null if it can. */
export function refuseToMove(state: ThreadState, move: MoveThread): Refusal | null {
  return refuseWhileBusy(state) ?? refuseThread(state) ?? refusePlace(state, move);
}

function refuseWhileBusy({ threadId, active, beside, queue, moving, relocation }: ThreadState): Refusal | null {
  if (moving !== undefined || relocation?.status === 'wanted')
    return { code: 'threadBusy', reason: `Thread ${threadId} is being moved already.` };
  const turn = active?.turnId ?? beside[0]?.turnId ?? queue[0]?.turnId;
  if (turn === undefined) return null;
  const reason = `Turn ${turn} is active; interrupt it, or wait for its end, and move the thread then.`;
  return { code: 'threadBusy', reason };
}

/** A reason that stays as it is, whatever the thread does. */
export function refuseThread(state: ThreadState): Refusal | null {
  const { threadId, settings, children } = state;
  if (settings.parent !== null) {
    const reason = `Thread ${threadId} works in the folder of thread ${settings.parent.threadId}, which has started it.`;
    return { code: 'notMovable', reason };
  }
  if (settings.host === undefined) {
    const reason = `Thread ${threadId} was opened by an earlier release, and its steps run on any host.`;
    return { code: 'notMovable', reason };
  }
  const kept = children.filter((child) => !isOver(child) && !(child.role === 'agent' && leavesAgents(state)));
  return kept.length === 0 ? null : toAgentsOpen(threadId, kept);
}

/** Agents of a host that is there work on, so nobody takes their files away: the thread stays with them. */
export function refuseForAgents(state: ThreadState): Refusal | null {
  const open = openAgents(state);
  return open.length === 0 ? null : toAgentsOpen(state.threadId, open);
}

function toAgentsOpen(threadId: string, open: readonly Child[]): Refusal {
  const ids = open.slice(0, 8).map((child) => child.threadId);
  const reason = `Agents of thread ${threadId} are open, and stay where its files are: close ${ids.join(', ')} first.`;
  return { code: 'agentsOpen', reason };
}

function refusePlace({ threadId, settings }: ThreadState, { host: named, cwd }: MoveThread): Refusal | null {
  if (settings.managed !== undefined) return refuseManaged({ threadId, settings }, named, cwd);
  const isGrouped = settings.hostGroup !== undefined;
  // Another host of the group has the same folder.
  if (cwd === undefined && isGrouped && named !== settings.host) return null;
  const host = named ?? settings.host;
  if (cwd === undefined && !isGrouped) {
    const reason = `Thread ${threadId} has a folder that somebody named: name the folder to which it is moved.`;
    return { code: 'notMovable', reason };
  }
  if (host !== settings.host || (cwd ?? settings.cwd) !== settings.cwd) return null;
  return { code: 'samePlace', reason: `Thread ${threadId} works in ${settings.cwd} on host ${host} already.` };
}

function refuseManaged(
  { threadId, settings }: Pick<ThreadState, 'threadId' | 'settings'>,
  host: string | undefined,
  cwd: string | undefined,
): Refusal | null {
  if (cwd !== undefined) {
    const reason = `Thread ${threadId} has a folder that a host makes for it: name no folder.`;
    return { code: 'notMovable', reason };
  }
  if (host !== settings.host) return null;
  return { code: 'samePlace', reason: `Thread ${threadId} works on host ${host} already.` };
}

interface Prepared {
  from: WorkspacePlace;
  place: NewPlace;
  /** The files of a managed workspace; null for a folder that somebody named. */
  restored: Pick<RestoredWorkspace, 'restored' | 'notRestored'> | null;
  /** Whether nothing of the thread's commands is left on the former host. */
  quiescent: boolean;
  /** Commands that the move has ended by now. */
  ended?: number;
  at: number;
}

/** @param state right before the move */
export function toMove(
  state: ThreadState,
  { from, place, restored, quiescent, ended = 0, at }: Prepared,
): WorkspaceMove {
  const { host, cwd } = place;
  const sessions = Math.max(openSessions(state).length, ended);
  const agents = openAgents(state);
  const known = restored === null || lacksStart(state) ? null : restored;
  const asOf = known === null ? at : (storedOf(state).newest?.at ?? state.createdAt);
  const notRestored = [
    ...(restored === null ? toUncopied(state, from, place) : []),
    ...(restored !== null && known === null ? [toFetched(state, from)] : []),
    ...(known === null ? [] : [...known.notRestored, ...(isBehind(state) ? [LATER] : [])]),
    ...(sessions === 0 ? [] : [`${plural(sessions, ENDED.one, ENDED.many)} ended for the thread.`]),
    ...(agents.length === 0 ? [] : [toLeftAgents(agents)]),
  ];
  // Only the agents know which of their commands run there.
  const receipt = { restored: known?.restored ?? null, notRestored, quiescent: quiescent && agents.length === 0 };
  return { from, to: { host, cwd }, asOf, receipt };
}

const ENDED = { one: 'command that was left running has', many: 'commands that were left running have' };

/** Whether something may have written since the files were stored. */
function isBehind(state: ThreadState): boolean {
  const isAtWork = state.active !== null || openAgents(state).length > 0 || openSessions(state).length > 0;
  return isAtWork || isUnstored(state);
}

/** Agents in the line about those that were left. */
const NAMED_AGENTS = 20;

function toLeftAgents(agents: readonly Child[]): string {
  const named = agents.slice(0, NAMED_AGENTS).map(({ name, threadId }) => `${name} (${threadId})`);
  const more = agents.length > named.length ? ` and ${agents.length - named.length} more` : '';
  return `Agents were lost with the host, and are closed: ${named.join(', ')}${more}. Start new ones for what they have not done.`;
}

/** Both see the same folder, so a command that was left may still change it. */
function sharesFiles({ hostGroup, root, managed }: ThreadSettings, place: NewPlace): boolean {
  return hostGroup !== undefined && hostGroup === place.hostGroup && root === place.root && managed === undefined;
}

const LATER =
  'Changes that were made after that time, such as those of a turn that has not ended, are not in the store.';

function toFetched({ settings: { managed } }: ThreadState, { host, cwd }: WorkspacePlace): string {
  return `No file of ${cwd} on host ${host} was in the store: the files are those of commit ${managed?.commit} of ${managed?.repository}.`;
}

function toUncopied({ settings }: ThreadState, from: WorkspacePlace, place: NewPlace): string[] {
  const { host, cwd } = place;
  if (sharesFiles(settings, place))
    return [`Hosts ${from.host} and ${host} share the folder. Processes, and what was installed outside of it, stay.`];
  return [
    `No file of ${from.cwd} on host ${from.host} was copied: the files are those that ${cwd} on host ${host} has.`,
    'Ignored files, processes, and what was installed outside of the workspace, are not there either.',
  ];
}

/** Ids of the commands of which something may run. */
export function commandsLeft(state: ThreadState): string[] {
  const sessions = openSessions(state).map(({ commandId }) => commandId);
  return [...new Set([...(state.cleanUp?.commandIds ?? []), ...sessions])];
}

/** A request that {@link refuseToMove} allows. No turn begins before its end. */
export function beginMove(state: ThreadState, to: WorkspacePlace): ThreadState {
  return { ...state, moving: to };
}

/** Nothing of the former host is waited for any longer: it may be gone for good. */
export function onMoved(before: ThreadState, at: number, move: WorkspaceMove, place: NewPlace): ThreadState {
  const state = endsWithMove(before) ? concludeEndings(before, at) : before;
  const left = openSessions(state).reduce(
    (current, { id }) => endSession(current, at, { id, report: null }, true),
    forgetUndos(endMove(state)),
  );
  const { hostProbe: _probe, relocation: _relocation, ...rest } = left;
  const settings = toSettings(state.settings, move, place);
  const turns = rest.turns.map((record) => withoutFiles(record, move.from));
  const next: ThreadState = {
    ...{
      ...rest,
      settings,
      turns,
      active: withNewFiles(rest.active),
      beside: rest.beside.map(withNewFiles),
      cleanUp: null,
      snapshots: { ...rest.snapshots, release: [] },
    },
    ...(rest.stored !== undefined && { stored: { ...rest.stored, isDue: false, request: null, retryAt: null } }),
  };
  const isShared = sharesFiles(state.settings, place) && !move.receipt.quiescent;
  const ofAgents = openAgents(state).map(({ threadId }) => actionIds.toolsOf(threadId));
  const after = isShared ? leaveBehind(next, move.from, [...commandsLeft(state), ...ofAgents]) : next;
  const isElsewhere = leavesFolder(state) && place.cwd !== state.settings.cwd;
  const ended = isElsewhere ? endUnrun(after, at) : after;
  const moved = emit(leaveAgents(ended, at, move.from.host), at, { type: 'workspace/moved', ...move });
  const isNew = state.settings.managed === undefined && place.managed !== undefined;
  const begun = isNew ? storeStart(moved, at) : moved;
  return leavesAgents(begun) ? withNews(begun, at) : begun;
}

/** Turns whose outcome is known wait only for a snapshot of files that the thread leaves. */
function concludeEndings(state: ThreadState, at: number): ThreadState {
  const endings = [state.active, ...state.beside].filter((turn) => turn?.ending !== undefined);
  return endings.reduce((current, turn) => (turn === null ? current : concludeTurn(current, at, turn, null)), state);
}

function endUnrun(state: ThreadState, at: number): ThreadState {
  const going = [state.active, ...state.beside].filter((turn) => turn?.aborting === null && turn.ending === undefined);
  return going.reduce((current, turn) => (turn === null ? current : tasks.onMoved(current, at, turn)), state);
}

/** The model request that follows says how agents ended. A call that waits for them says so itself. */
function withNews(state: ThreadState, at: number): ThreadState {
  const { active } = state;
  const isNext = isConversation(active) && active.aborting === null && active.stage.type === 'model';
  return isNext ? onMail(state, at, active) : state;
}

function toSettings(settings: ThreadSettings, moved: WorkspaceMove, place: NewPlace): ThreadSettings {
  const { rulesAt: _rulesAt, managed: _managed, hostProbeMs: _probe, hostGroup: _group, ...rest } = settings;
  return { ...rest, ...place, moved };
}

/** An undo of a turn that goes on here restores the files with which it went on. */
function withNewFiles<T extends ActiveTurn | null>(turn: T): T {
  return turn?.snapshot?.status === 'taken' ? { ...turn, snapshot: null } : turn;
}

/** Its snapshots are on the host that the thread has left, unless they are in the store. */
function withoutFiles(record: TurnRecord, { host }: WorkspacePlace): TurnRecord {
  const { snapshot } = record;
  return snapshot?.status === 'taken' && snapshot.stored !== true
    ? { ...record, snapshot: toLeft(snapshot, host) }
    : record;
}

function toLeft({ commit, after }: Extract<TurnSnapshot, { status: 'taken' }>, host: string): TurnSnapshot {
  if (commit === after) return { status: 'missing', reason: 'it changed no file.' };
  return { status: 'missing', reason: `it is on host ${host}, where the thread worked then.`, host };
}
