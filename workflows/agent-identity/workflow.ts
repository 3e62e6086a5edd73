/**
 * One entity per account: the agent identity in use. It registers one identity, however many threads and workers ask
 * for it at once. It holds only public facts; the private key stays in the key store.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineUpdate,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { AgentIdentity } from '../../activities/ports.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';

export interface AgentIdentityState {
  account: string;
  identity: AgentIdentity | null;
}

/** Returns the identity in use, and registers one first if there is none. */
export const ensureIdentityUpdate = defineUpdate<AgentIdentity>('ensureIdentity');
/** Replaces the identity with that runtime id; if another one is already in use, returns that one. */
export const replaceIdentityUpdate = defineUpdate<AgentIdentity, [string]>('replaceIdentity');
export const identityQuery = defineQuery<AgentIdentity | null>('identity');

/**
 * A local activity: threads wait for it inside their own activities. If those occupied every slot of every worker, a
 * normal activity would never run.
 */
const { registerAgentIdentity } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '20s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  // Callers retry; a worker that shuts down waits for one attempt at most.
  retry: { maximumAttempts: 1 },
});

/** The service limits the updates of a run, so the entity continues as new long before that. */
const UPDATES_PER_RUN = 500;

export async function agentIdentity(state: AgentIdentityState): Promise<void> {
  let { identity } = state;
  let registering: Promise<AgentIdentity> | null = null;
  let updates = 0;

  const register = async (): Promise<AgentIdentity> => {
    registering ??= registerAgentIdentity(state.account);
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

  setHandler(
    ensureIdentityUpdate,
    async () => {
      updates++;
      return identity !== null && registering === null ? identity : register();
    },
    { description: 'The identity of this account, registered first where there is none; takes nothing' },
  );
  // The old identity stays until the new one is registered: a service that is down must not cost a working identity.
  setHandler(
    replaceIdentityUpdate,
    async (runtimeId) => {
      updates++;
      return identity !== null && identity.agentRuntimeId !== runtimeId ? identity : register();
    },
    { description: 'Replaces the identity with that runtime id: "agent-runtime-1"' },
  );
  setHandler(identityQuery, () => identity, { description: 'The identity in use, or null; nothing in it is secret' });

  await condition(() => (updates >= UPDATES_PER_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished());
  await continueAsNew<typeof agentIdentity>({ account: state.account, identity });
}
