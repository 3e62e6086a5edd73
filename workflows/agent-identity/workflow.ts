/**
 * One entity per account: the agent identity in use. However many threads and workers ask for it at once, one identity
 * is registered. Only its public facts are here; the private key stays in the key store.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { AgentIdentity } from '../../activities/ports.ts';
import { toStepFailure } from '../thread/effects.ts';

export interface AgentIdentityState {
  account: string;
  identity: AgentIdentity | null;
}

/** Answers with the identity in use, registering one first where there is none. */
export const ensureIdentityUpdate = defineUpdate<AgentIdentity>('ensureIdentity');
/** Replaces the identity with that runtime id; where another one is in use already, answers with that. */
export const replaceIdentityUpdate = defineUpdate<AgentIdentity, [string]>('replaceIdentity');
export const identityQuery = defineQuery<AgentIdentity | null>('identity');

const { registerAgentIdentity } = proxyActivities<Activities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: '5s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  // Tries are counted by the activity itself, so that a worker's end does not use one up.
  retry: { initialInterval: '200ms', maximumInterval: '5s' },
  summary: 'agent identity: register',
});

/** Updates are for acceptance: their number is bounded per run, so the entity goes on as a new run long before that. */
const UPDATES_PER_RUN = 500;

export async function agentIdentity(state: AgentIdentityState): Promise<void> {
  let { identity } = state;
  let registering: Promise<AgentIdentity> | null = null;
  let updates = 0;

  const register = async (): Promise<AgentIdentity> => {
    registering ??= registerOnce(state.account);
    try {
      identity = await registering;
      return identity;
    } catch (error) {
      const { code, message } = toStepFailure(error);
      throw ApplicationFailure.nonRetryable(message, code);
    } finally {
      registering = null;
    }
  };

  setHandler(ensureIdentityUpdate, async () => {
    updates++;
    return identity ?? (await register());
  });
  setHandler(replaceIdentityUpdate, async (runtimeId) => {
    updates++;
    if (identity?.agentRuntimeId === runtimeId) identity = null;
    return identity ?? (await register());
  });
  setHandler(identityQuery, () => identity);

  await condition(() => (updates >= UPDATES_PER_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished());
  await continueAsNew<typeof agentIdentity>({ account: state.account, identity });
}

async function registerOnce(account: string): Promise<AgentIdentity> {
  const registered = await registerAgentIdentity(account);
  if ('agentRuntimeId' in registered) return registered;
  throw ApplicationFailure.nonRetryable(`The registration of an identity for ${account} was stopped.`, 'internal');
}
