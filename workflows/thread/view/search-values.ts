/** The values by which the Temporal UI can filter threads, derived from the state. */
import type { SearchAttributeValues } from '../../../src/contract/index.ts';
import { type ThreadState, isConversation } from '../state/state.ts';
import { awayHost } from '../turns/host-probe.ts';
import { toPhase, toStatus } from './view.ts';

const MICRO = 1_000_000;

export function toSearchValues(state: ThreadState): SearchAttributeValues {
  const { cwd, managed, agentIdentity, parent } = state.settings;
  return {
    BobbinStatus: awayHost(state) === null ? toStatus(state) : 'waitingForHost',
    BobbinActiveKind: state.active?.kind ?? null,
    BobbinRepository: managed?.repository ?? cwd,
    BobbinAccount: agentIdentity.mode === 'off' ? null : agentIdentity.account,
    BobbinWaitsForPerson: state.requests.some(({ origin }) => origin?.answered !== true),
    BobbinDepth: parent?.path.length ?? 0,
    BobbinCostUsd: state.budget.own.costMicroUsd / MICRO,
  };
}

/**
 * Whether the active turn may end with the first answer of its model, without asking anybody. Most turns do: publishing
 * their begin and end would be a quarter of the service's work on them.
 */
export function isInFirstStep(state: ThreadState): boolean {
  const { active, requests } = state;
  if (!isConversation(active) || active.stage.type !== 'model' || requests.length > 0) return false;
  return active.step === 1 && active.stage.tries === 0 && toPhase(state, active).type === 'callingModel';
}
