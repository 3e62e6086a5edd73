/** Registration of identities and tasks. A retry may leave an unused task at the service: no request carries a key. */
import { Context } from '@temporalio/activity';
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type { AgentTaskRegistered, AgentTaskRegistration } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { toTemporal } from '../to-temporal.ts';

/** Tries of a registration within one turn; the next turn begins anew. */
const MAX_TRIES = 3;

/** Beats with each try, so that the next one finds what this one left. */
interface RegistrationProgress {
  type: 'registration';
  /** Registered and not reported yet. */
  task: AgentTaskRecord | null;
  unusedTasks: number;
}

/**
 * Registers a task under the identity in use, and says which identity is in use afterwards, for the thread to compare.
 * Beats, so that the death of this worker is noticed long before the whole step times out. Twice is safe: a task that an
 * earlier try is known to have registered is used, or counted where its identity is no longer the one in use.
 */
export async function registerAgentTask(ports: Ports, input: AgentTaskRegistration): Promise<AgentTaskRegistered> {
  const context = Context.current();
  const { account, replaceIdentity } = input;
  const earlier = context.info.heartbeatDetails as RegistrationProgress | undefined;
  let progress: RegistrationProgress = earlier ?? { type: 'registration', task: null, unusedTasks: 0 };
  const beat = setInterval(() => context.heartbeat(progress), ports.heartbeatEveryMs);
  try {
    const identity = await (replaceIdentity === null
      ? ports.identities.ensure(account)
      : ports.identities.replace(account, replaceIdentity));
    await ports.identity.useIdentity(identity);
    if (progress.task !== null && progress.task.agentRuntimeId !== identity.agentRuntimeId) progress = left(progress);
    const task = progress.task ?? (await registerUnder(ports, identity, context.cancellationSignal));
    progress = { ...progress, task };
    context.heartbeat(progress);
    const now = await ports.identities.current(account);
    return { task, currentRuntimeId: now?.agentRuntimeId ?? '', unusedTasks: progress.unusedTasks };
  } catch (error) {
    const { unusedTasks } = left(progress);
    throw toTemporal(
      unusedTasks === 0 ? error : withDetails(error, { unusedTasks }),
      context.info.attempt >= MAX_TRIES,
    );
  } finally {
    clearInterval(beat);
  }
}

/** The same once nobody will use the task any more. */
function left(progress: RegistrationProgress): RegistrationProgress {
  const { type, task, unusedTasks } = progress;
  return { type, task: null, unusedTasks: unusedTasks + (task === null ? 0 : 1) };
}

/** A refusal names the identity it was given to, since it is that one which the service no longer takes. */
async function registerUnder(ports: Ports, identity: AgentIdentity, signal: AbortSignal): Promise<AgentTaskRecord> {
  try {
    return await ports.identity.registerTask(identity, signal);
  } catch (error) {
    const refused = error instanceof Failure && error.code === 'agentIdentityRefused';
    throw refused ? withDetails(error, { refusedRuntimeId: identity.agentRuntimeId }) : error;
  }
}

function withDetails(error: unknown, details: Failure['details']): unknown {
  if (!(error instanceof Failure)) return error;
  const { code, message, cause, retryAfterMs } = error;
  return new Failure(code, message, {
    ...(cause === undefined ? {} : { cause }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { ...error.details, ...details },
  });
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
