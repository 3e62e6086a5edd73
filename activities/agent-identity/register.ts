/**
 * Registers identities and agent tasks. A retry may leave an unused one at the service, because requests have no
 * idempotency key.
 */
import { Context } from '@temporalio/activity';
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type { AgentTaskRegistered, AgentTaskRegistration } from '../contract.ts';
import { Failure } from '../failures.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { type Step, leftToTheNext, runStep } from '../step.ts';
import { toTemporal } from '../to-temporal.ts';

/** Attempts of a registration in one turn; the next turn starts again. */
const MAX_TRIES = 3;
/** HTTP statuses that refuse the identity, not the request. */
const IDENTITY_REFUSED: unknown[] = [401, 403, 404, 410];

/** Stored in the heartbeat of each attempt, for the next one. */
interface RegistrationProgress {
  type: 'registration';
  /** Registered and not reported yet. */
  task: AgentTaskRecord | null;
  unusedTasks: number;
}

/**
 * Registers a task under the identity in use, and returns the identity in use afterwards, for the thread to compare. Safe to
 * repeat: a task that an earlier attempt is known to have registered is used, or counted as unused if its identity is no
 * longer in use.
 */
export async function registerAgentTask(
  ports: Ports,
  input: AgentTaskRegistration,
): Promise<AgentTaskRegistered | { type: 'aborted' }> {
  const earlier = Context.current().info.heartbeatDetails as RegistrationProgress | undefined;
  const first: RegistrationProgress = {
    type: 'registration',
    task: earlier?.task ?? null,
    unusedTasks: earlier?.unusedTasks ?? 0,
  };
  return runStep({ ...ports, ...input, maxTries: MAX_TRIES }, first, async (step) => {
    try {
      return await register(ports, input, step);
    } catch (error) {
      const { unusedTasks } = withoutTask(step.progress);
      throw unusedTasks === 0 ? error : withDetails(error, { unusedTasks });
    }
  });
}

async function register(
  ports: Ports,
  { account, replaceIdentity }: AgentTaskRegistration,
  step: Step<RegistrationProgress>,
): Promise<AgentTaskRegistered> {
  const { signal } = step;
  const identity = await (replaceIdentity === null
    ? ports.identities.ensure(account, signal)
    : ports.identities.replace(account, replaceIdentity, signal));
  await ports.identity.useIdentity(identity);
  if (step.progress.task?.agentRuntimeId !== identity.agentRuntimeId) step.progress = withoutTask(step.progress);
  const task = step.progress.task ?? (await registerUnder(ports, identity, signal));
  step.progress = { ...step.progress, task };
  const now = await ports.identities.current(account, signal);
  return { task, currentRuntimeId: now?.agentRuntimeId ?? '', unusedTasks: step.progress.unusedTasks };
}

/** The same, with the task counted as unused. */
function withoutTask({ type, task, unusedTasks }: RegistrationProgress): RegistrationProgress {
  return { type, task: null, unusedTasks: unusedTasks + (task === null ? 0 : 1) };
}

/** A refusal names the identity if the service no longer accepts that identity. */
async function registerUnder(ports: Ports, identity: AgentIdentity, signal: AbortSignal): Promise<AgentTaskRecord> {
  try {
    return await ports.identity.registerTask(identity, signal);
  } catch (error) {
    const refused = error instanceof Failure && IDENTITY_REFUSED.includes(error.details['status']);
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

/** A local activity has no heartbeats, so the entity workflow counts the attempts. */
export async function registerAgentIdentity(ports: Ports, account: string): Promise<AgentIdentity> {
  const { cancellationSignal } = Context.current();
  try {
    const identity = await ports.identity.registerIdentity(account, cancellationSignal);
    await ports.identity.useIdentity(identity);
    return identity;
  } catch (error) {
    if (cancellationSignal.aborted)
      throw leftToTheNext(`The registration of an identity for account ${account}`, error);
    throw toTemporal(error);
  }
}
