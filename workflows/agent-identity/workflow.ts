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

/** Answers with the identity in use, registering one first where there is none. */
export const ensureIdentityUpdate = defineUpdate<AgentIdentity>('ensureIdentity');
/** Replaces the identity with that runtime id; where another one is in use already, answers with that. */
export const replaceIdentityUpdate = defineUpdate<AgentIdentity, [string]>('replaceIdentity');
export const identityQuery = defineQuery<AgentIdentity | null>('identity');

/**
 * A local activity: threads wait for it inside activities of their own, and where those take up every place of every
 * worker, one more that needs a place would never run.
 */
const { registerAgentIdentity } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '20s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  // Whoever waits for it tries again; a worker that is told to stop waits for one try at the most.
  retry: { maximumAttempts: 1 },
});

/** Updates are for acceptance: their number is bounded per run, so the entity goes on as a new run long before that. */
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
  // Until the new one is registered the old one stays: a service that is down must not cost an identity that works.
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
