/**
 * Commands that may still run on a host that was lost, while the thread continues on another host with the same files. Each
 * turn tries once to end them, and says so as long as they may be there. The supervisor of such a host ends what nobody
 * attends after its own bound.
 */
import type { WorkspacePlace } from '../../../src/contract/index.ts';
import { type Action, actionIds } from '../state/actions.ts';
import { emit } from '../state/log.ts';
import { type LeftBehind, type ThreadState, type TurnEnd, isSilentOnceClosed } from '../state/state.ts';
import { type StepEvent, retried, toSummary } from '../state/steps.ts';

/** After a move between hosts that share the folder. */
export function leaveBehind(state: ThreadState, { host }: WorkspacePlace, commandIds: string[]): ThreadState {
  if (commandIds.length === 0) return state;
  const { leftBehind = [] } = state;
  const before = leftBehind.find((left) => left.host === host)?.commandIds ?? [];
  const others = leftBehind.filter((left) => left.host !== host);
  return { ...state, leftBehind: [...others, { host, commandIds: [...before, ...commandIds], cleanUp: null }] };
}

/** At the start of a turn. */
export function withCleanUpsBehind(state: ThreadState): ThreadState {
  const { leftBehind = [], cleanUps } = state;
  if (leftBehind.every(({ cleanUp }) => cleanUp !== null)) return state;
  const due = leftBehind.map((left, index) => ({ ...left, cleanUp: left.cleanUp ?? cleanUps + 1 + index }));
  return { ...state, leftBehind: due, cleanUps: cleanUps + due.length };
}

export function wantedCleanUpsBehind({ leftBehind = [], settings: { cwd } }: ThreadState): Action[] {
  return leftBehind.flatMap(({ host, commandIds, cleanUp }): Action[] => {
    if (cleanUp === null) return [];
    return [
      {
        type: 'step',
        id: actionIds.cleanBehind(cleanUp),
        activity: 'cleanWorkspace',
        host,
        input: { workspace: cwd, commandIds },
        options: retried('60s', 1),
        summary: toSummary('clean up', `on host ${host}`),
      },
    ];
  });
}

/** Null if it is another clean-up. */
export function onCleanedBehind(state: ThreadState, event: StepEvent<'cleanWorkspace'>): ThreadState | null {
  const { leftBehind = [] } = state;
  const found = leftBehind.find(({ cleanUp }) => cleanUp !== null && actionIds.cleanBehind(cleanUp) === event.id);
  if (found === undefined) return null;
  const { end, at } = event;
  // What was found was ended; that nothing is left is what the next look says.
  const isProven = end.type === 'done' && (end.value.gone === true || end.value.ended === 0);
  if (!isProven)
    return withLeft(
      state,
      leftBehind.map((one) => (one === found ? { ...found, cleanUp: null } : one)),
    );
  const cleaned = withLeft(
    state,
    leftBehind.filter((one) => one !== found),
  );
  if (state.status === 'closed' && isSilentOnceClosed(state)) return cleaned;
  const message = `Nothing of the thread's commands is left on host ${found.host}.`;
  return emit(cleaned, at, { type: 'warning', message });
}

function withLeft({ leftBehind: _, ...state }: ThreadState, left: LeftBehind[]): ThreadState {
  return left.length === 0 ? state : { ...state, leftBehind: left };
}

/** The end of a turn, with what may still run. */
export function withLeftBehind({ leftBehind = [] }: ThreadState, end: TurnEnd) {
  if (leftBehind.length === 0) return end;
  const mayStillRun = leftBehind.map(({ host, commandIds }) => ({ host, commandIds }));
  return { ...(end.status === 'aborted' ? { ...end, quiescent: false } : end), mayStillRun };
}
