/**
 * Registration of identities and tasks. No request carries a key, so a retry may leave an unused task or identity at the
 * service; what is known of them is counted.
 */
import { Context } from '@temporalio/activity';
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type { AgentTaskRegistered, AgentTaskRegistration } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { runStep } from '../step.ts';
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
 * Twice is safe: a task that an earlier try is known to have registered is used, or counted where its identity is no
 * longer the one in use.
 */
export async function registerAgentTask(
  ports: Ports,
  input: AgentTaskRegistration,
): Promise<AgentTaskRegistered | { type: 'aborted' }> {
  const { account, replaceIdentity } = input;
  const earlier = Context.current().info.heartbeatDetails as RegistrationProgress | undefined;
  const first: RegistrationProgress = earlier ?? { type: 'registration', task: null, unusedTasks: 0 };
  return runStep({ ...ports, ...input, maxTries: MAX_TRIES }, first, async (step) => {
    try {
      const identity = await (replaceIdentity === null
        ? ports.identities.ensure(account, step.signal)
        : ports.identities.replace(account, replaceIdentity, step.signal));
      await ports.identity.useIdentity(identity);
      const { task: known } = step.progress;
      if (known !== null && known.agentRuntimeId !== identity.agentRuntimeId) step.progress = left(step.progress);
      const task = step.progress.task ?? (await registerUnder(ports, identity, step.signal));
      step.progress = { ...step.progress, task };
      step.beat();
      const now = await ports.identities.current(account);
      return { task, currentRuntimeId: now?.agentRuntimeId ?? '', unusedTasks: step.progress.unusedTasks };
    } catch (error) {
      const { unusedTasks } = left(step.progress);
      throw unusedTasks === 0 ? error : withDetails(error, { unusedTasks });
    }
  });
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

/** Runs inside the entity of the account, which sees to "once". */
export async function registerAgentIdentity(ports: Ports, account: string): Promise<AgentIdentity> {
  try {
    const identity = await ports.identity.registerIdentity(account, Context.current().cancellationSignal);
    await ports.identity.useIdentity(identity);
    return identity;
  } catch (error) {
    throw toTemporal(error);
  }
}
