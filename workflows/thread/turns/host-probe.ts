/**
 * Notices that the host of a thread is away while a turn waits for it, so that a person sees what it waits for. The step
 * itself waits until the host is back or the grace time is over, whatever is found here.
 *
 * Only threads that were opened when there were several hosts ask: if there is only one, nobody could.
 */
import { type Action, actionIds } from '../state/actions.ts';
import { hostOf, isOnOwnHost } from '../state/places.ts';
import type { HostProbe, ThreadState } from '../state/state.ts';
import { type StepActivity, type StepEnd, retried, toSummary } from '../state/steps.ts';

/** The longest pause between two questions, in milliseconds. */
const LONGEST_MS = 300_000;

/** Asks while a step on the host is under way, so never while a turn waits for a person. */
export function wantedProbe(state: ThreadState, steps: readonly Action[]): Action[] {
  const { host, hostProbeMs } = state.settings;
  const probe = probeOf(state);
  if (host === undefined || hostProbeMs === undefined || probe === null) return [];
  if (!steps.some((step) => isOnOwnHost(step, state.settings))) return [];
  const { turnId, number, at, isAsking } = probe;
  if (isAsking) {
    return [
      {
        type: 'step',
        id: actionIds.askHost(turnId, number),
        activity: 'lookForHost',
        input: { host },
        options: retried('10s', 3),
        summary: toSummary('look for host', host),
      },
    ];
  }
  const about = { type: 'hostProbe', turnId } as const;
  return [{ type: 'awaitTime', id: actionIds.probe(turnId, number), at, about, summary: toSummary('host', host) }];
}

/** The next question of the turn; null if no turn is active. */
function probeOf({ hostProbe, settings, active, beside }: ThreadState): HostProbe | null {
  const turn = active ?? beside[0];
  if (turn === undefined) return null;
  if (hostProbe?.turnId === turn.turnId) return hostProbe;
  const { turnId, startedAt } = turn;
  return { turnId, number: 1, at: startedAt + (settings.hostProbeMs ?? 0), isAsking: false, awaySince: null };
}

export function onProbeDue(state: ThreadState, turnId: string): ThreadState {
  const probe = probeOf(state);
  return probe?.turnId === turnId ? { ...state, hostProbe: { ...probe, isAsking: true } } : state;
}

/** A question that could not be answered changes nothing. */
export function onProbed(state: ThreadState, at: number, end: StepEnd<'lookForHost'>): ThreadState {
  const { hostProbe, settings } = state;
  if (hostProbe == null) return state;
  const { number, awaySince } = hostProbe;
  const pause = Math.min((settings.hostProbeMs ?? 0) * 2 ** number, LONGEST_MS);
  const since = end.type === 'done' ? (end.value.isServed ? null : (awaySince ?? at)) : awaySince;
  return {
    ...state,
    hostProbe: { ...hostProbe, number: number + 1, at: at + pause, isAsking: false, awaySince: since },
  };
}

/** If the host has done a step, it is there. */
export function onStepDone(state: ThreadState, activity: StepActivity): ThreadState {
  const { hostProbe, settings } = state;
  if (hostProbe == null || hostProbe.awaySince === null || hostOf(activity, settings) === undefined) return state;
  return { ...state, hostProbe: { ...hostProbe, awaySince: null } };
}

/** The host that the active turn waits for, and since when, in milliseconds since the epoch; null if it is there. */
export function awayHost({ hostProbe, settings, active, beside }: ThreadState): { host: string; since: number } | null {
  const turn = active ?? beside[0];
  if (hostProbe == null || hostProbe.awaySince === null || hostProbe.turnId !== turn?.turnId) return null;
  return { host: settings.host ?? '', since: hostProbe.awaySince };
}
