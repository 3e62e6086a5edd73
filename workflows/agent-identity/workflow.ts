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
import { LIMITS } from '../../src/contract/plain/limits.ts';
import { toIdentityWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { isContinued } from '../sandbox/carried-state.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { type Parsed, Refused, fields, id, parse, text } from '../sandbox/value-readers.ts';

export interface AgentIdentityState {
  account: string;
  identity: AgentIdentity | null;
}

/** Result of an entity that was started without an account, or under the id of another one; any other one stays open. */
export interface AgentIdentityRefused {
  status: 'refused';
  reason: string;
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

/** @param argument `{ account }`, or the state of the previous run: only that one has an identity. */
export async function agentIdentity(argument: unknown): Promise<AgentIdentityRefused> {
  const opened = open(argument);
  if (!opened.ok) return { status: 'refused', reason: opened.reason };
  const state = opened.value;
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
    {
      description: 'Replaces the identity with that runtime id: "agent-runtime-1"',
      validator: (runtimeId) => {
        const parsed = parse(() => text(runtimeId, 'runtimeId', LIMITS.shortChars));
        if (!parsed.ok) throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
      },
    },
  );
  setHandler(identityQuery, () => identity, { description: 'The identity in use, or null; nothing in it is secret' });

  await condition(() => (updates >= UPDATES_PER_RUN || workflowInfo().continueAsNewSuggested) && allHandlersFinished());
  return continueAsNew<typeof agentIdentity>({ account: state.account, identity } satisfies AgentIdentityState);
}

function open(argument: unknown): Parsed<AgentIdentityState> {
  if (isContinued()) return { ok: true, value: argument as AgentIdentityState };
  return parse(() => {
    const account = id(fields(argument, 'identity')['account'], 'account');
    const { workflowId } = workflowInfo();
    if (workflowId !== toIdentityWorkflowId(account))
      throw new Refused(`account: ${account} has the workflow ${toIdentityWorkflowId(account)}, not ${workflowId}`);
    return { account, identity: null };
  });
}
