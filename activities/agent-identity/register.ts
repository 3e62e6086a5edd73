/**
 * Registration of identities and tasks. Beats, so that the death of a worker is noticed long before the step times out,
 * and a retry may leave an unused task or identity at the service: no request carries a key.
 */
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type { AgentTaskRegistration } from '../contract.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { runStep } from '../step.ts';

/** Tries of a registration within one turn; the next turn begins anew. */
const MAX_TRIES = 3;

/** Registers a task under the identity in use, and says which identity is in use afterwards, for the thread to compare. */
export async function registerAgentTask(
  ports: Ports,
  input: AgentTaskRegistration,
): Promise<{ task: AgentTaskRecord; currentRuntimeId: string } | { type: 'aborted' }> {
  const { account, replaceIdentity } = input;
  return runStep({ ...ports, ...input, maxTries: MAX_TRIES }, { type: 'registration' }, async ({ signal }) => {
    const identity = await (replaceIdentity === null
      ? ports.identities.ensure(account, signal)
      : ports.identities.replace(account, replaceIdentity, signal));
    await ports.identity.useIdentity(identity);
    const task = await ports.identity.registerTask(identity, signal);
    const now = await ports.identity.currentIdentity(account);
    return { task, currentRuntimeId: now?.agentRuntimeId ?? '' };
  });
}

export async function registerAgentIdentity(
  ports: Ports,
  account: string,
): Promise<AgentIdentity | { type: 'aborted' }> {
  const place = { ...ports, threadId: `identity of ${account}`, actionId: 'register', maxTries: MAX_TRIES };
  return runStep(place, { type: 'registration' }, async ({ signal }) => {
    const identity = await ports.identity.registerIdentity(account, signal);
    await ports.identity.useIdentity(identity);
    return identity;
  });
}
