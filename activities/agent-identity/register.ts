/** Registration of identities and tasks. A retry may leave an unused task at the service: no request carries a key. */
import { Context } from '@temporalio/activity';
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type { AgentTaskRegistration } from '../contract.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { toTemporal } from '../to-temporal.ts';

/** Tries of a registration within one turn; the next turn begins anew. */
const MAX_TRIES = 3;

/**
 * Registers a task under the identity in use, and says which identity is in use afterwards, for the thread to compare.
 * Beats, so that the death of this worker is noticed long before the whole step times out.
 */
export async function registerAgentTask(
  ports: Ports,
  input: AgentTaskRegistration,
): Promise<{ task: AgentTaskRecord; currentRuntimeId: string }> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat({ type: 'registration' }), ports.heartbeatEveryMs);
  try {
    const { account, replaceIdentity } = input;
    const identity = await (replaceIdentity === null
      ? ports.identities.ensure(account)
      : ports.identities.replace(account, replaceIdentity));
    await ports.identity.useIdentity(identity);
    const task = await ports.identity.registerTask(identity, context.cancellationSignal);
    const now = await ports.identity.currentIdentity(account);
    return { task, currentRuntimeId: now?.agentRuntimeId ?? '' };
  } catch (error) {
    throw toTemporal(error, context.info.attempt >= MAX_TRIES);
  } finally {
    clearInterval(beat);
  }
}

export async function registerAgentIdentity(ports: Ports, account: string): Promise<AgentIdentity> {
  try {
    const identity = await ports.identity.registerIdentity(account, Context.current().cancellationSignal);
    await ports.identity.useIdentity(identity);
    return identity;
  } catch (error) {
    throw toTemporal(error);
  }
}
