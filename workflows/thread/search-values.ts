/** What the Temporal UI can filter a thread by, derived from the state. */
import type { SearchAttributeValues } from '../../src/contract/index.ts';
import type { ThreadState } from './state.ts';
import { toStatus } from './view.ts';

const MICRO = 1_000_000;

export function toSearchValues(state: ThreadState): SearchAttributeValues {
  const { cwd, agentIdentity, parent } = state.settings;
  return {
    BobbinStatus: toStatus(state),
    BobbinActiveKind: state.active?.kind ?? null,
    BobbinRepository: cwd,
    BobbinAccount: agentIdentity.mode === 'off' ? null : agentIdentity.account,
    BobbinWaitsForPerson: state.requests.some(({ origin }) => origin?.answered !== true),
    BobbinDepth: parent?.path.length ?? 0,
    BobbinCostUsd: state.budget.own.costMicroUsd / MICRO,
  };
}
