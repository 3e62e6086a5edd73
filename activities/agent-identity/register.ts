/**
 * Registers identities and agent tasks. A retry may leave an unused one at the service, because requests have no
 * idempotency key.
 */
import { Context } from '@temporalio/activity';
import type { AgentTaskRecord } from '../../src/contract/index.ts';
import type {
  AgentIdentityRegistration,
  AgentTaskDelayed,
  AgentTaskRegistered,
  AgentTaskRegistration,
  RegisteredIdentity,
} from '../contract.ts';
import { Failure } from '../failures.ts';
import type { AgentIdentity, Ports } from '../ports.ts';
import { type Step, leftToTheNext, runStep } from '../step.ts';
import { toTemporal } from '../to-temporal.ts';
import { LONGEST_ATTEMPT_MS, type Wait, afterFailure, attemptMs, givenUp } from './waiting.ts';

/** Attempts of a registration for a thread of an earlier release. */
const MAX_TRIES = 3;
/** How long one is tried again that no turn waits for yet, in milliseconds. */
const AHEAD_OF_TIME_MS = 2_000;
/** HTTP statuses that refuse the identity, not the request. */
const IDENTITY_REFUSED: unknown[] = [401, 403, 404, 410];

/** Stored in the heartbeat of each attempt, for the next one. */
interface RegistrationProgress {
  type: 'registration';
  /** Registered and not reported yet. */
  task: AgentTaskRecord | null;
  unusedTasks: number;
  /** Left out for a thread of an earlier release. */
  wait?: Wait;
}

/**
 * Registers a task under the identity in use, and returns the identity in use afterwards, for the thread to compare. Safe to
 * repeat: a task that an earlier attempt is known to have registered is used, or counted as unused if its identity is no
 * longer in use.
 */
export async function registerAgentTask(
  ports: Ports,
  input: AgentTaskRegistration,
): Promise<AgentTaskRegistered | AgentTaskDelayed | { type: 'aborted' }> {
  const earlier = Context.current().info.heartbeatDetails as RegistrationProgress | undefined;
  const first: RegistrationProgress = {
    type: 'registration',
    task: earlier?.task ?? null,
    unusedTasks: earlier?.unusedTasks ?? 0,
    ...waitOf(input, earlier),
  };
  const maxTries = first.wait === undefined ? MAX_TRIES : Infinity;
  return runStep({ ...ports, ...input, maxTries }, first, async (step) => {
    try {
      return await (step.progress.wait === undefined
        ? register(ports, input, step)
        : registerPatiently(ports, input, step, step.progress.wait));
    } catch (error) {
      const { unusedTasks } = withoutTask(step.progress);
      throw unusedTasks === 0 ? error : withDetails(error, { unusedTasks });
    }
  });
}

function waitOf(
  { waitMs, announced, mode }: AgentTaskRegistration,
  earlier: RegistrationProgress | undefined,
): { wait?: Wait } {
  if (earlier?.wait !== undefined) return { wait: earlier.wait };
  if (waitMs !== undefined) return { wait: { ...NEW_WAIT, waitMs, isAnnounced: announced === true } };
  const ahead = { waitMs: AHEAD_OF_TIME_MS, isAnnounced: true, shortestMs: LONGEST_ATTEMPT_MS };
  return mode === undefined ? {} : { wait: { ...NEW_WAIT, ...ahead } };
}

const NEW_WAIT = { waitedMs: 0, pauses: 0 };

/** One attempt of a registration that a turn waits for, and what follows its failure. */
async function registerPatiently(
  ports: Ports,
  input: AgentTaskRegistration,
  step: Step<RegistrationProgress>,
  wait: Wait,
): Promise<AgentTaskRegistered | AgentTaskDelayed> {
  const began = performance.now();
  const silence = AbortSignal.timeout(attemptMs(wait));
  try {
    return await register(ports, input, step, AbortSignal.any([step.signal, silence]));
  } catch (thrown) {
    step.signal.throwIfAborted();
    const error = silence.aborted && !(thrown instanceof Failure) ? silent(input, attemptMs(wait)) : thrown;
    if (!(error instanceof Failure) || error.class !== 'unavailable') throw error;
    const next = afterFailure(wait, performance.now() - began, error.retryAfterMs);
    switch (next.type) {
      case 'over':
        throw givenUp(error, wait);
      case 'announce': {
        const { code, message } = error;
        const { unusedTasks } = withoutTask(step.progress);
        return { type: 'delayed', failure: { code, message }, leftMs: next.leftMs, unusedTasks };
      }
      case 'again':
        step.progress = { ...step.progress, wait: next.wait };
        throw new Failure(error.code, error.message, {
          ...{ cause: error.cause, details: error.details, retryAfterMs: next.pauseMs },
        });
    }
  }
}

function silent({ account }: AgentTaskRegistration, ms: number): Failure {
  const message = `Registering an agent task for account ${account} failed: no answer within ${Math.round(ms)} ms. Check that the identity service is up and reachable.`;
  return new Failure('agentIdentityUnavailable', message, { details: { account } });
}

/**
 * @param patience ends the wait for the identity, which the account's workflow goes on with. A request for a task is not
 * ended by it: its answer would be lost, and the task unused.
 */
async function register(
  ports: Ports,
  input: AgentTaskRegistration,
  step: Step<RegistrationProgress>,
  patience = step.signal,
): Promise<AgentTaskRegistered> {
  const { signal } = step;
  const { account, replaceIdentity, mode = 'recoverable' } = input;
  refuseAgainstPolicy(ports, input);
  const identity = await (replaceIdentity === null
    ? ports.identities.ensure(account, mode, patience)
    : ports.identities.replace(account, replaceIdentity, patience));
  await ports.identity.useIdentity(identity);
  if (step.progress.task?.agentRuntimeId !== identity.agentRuntimeId) step.progress = withoutTask(step.progress);
  const task = step.progress.task ?? (await registerUnder(ports, identity, signal));
  step.progress = { ...step.progress, task };
  const now = await ports.identities.current(account, signal);
  return {
    ...{ task, currentRuntimeId: now?.agentRuntimeId ?? '', unusedTasks: step.progress.unusedTasks },
    ...(identity.expiresAt === undefined ? {} : { identityExpiresAt: identity.expiresAt }),
  };
}

/** A thread that began under a less strict policy acquires nothing that today's policy forbids. */
function refuseAgainstPolicy(ports: Ports, { account, replaceIdentity, ahead }: AgentTaskRegistration): void {
  if (ports.identityPolicy(account) !== 'strict' || (replaceIdentity === null && ahead === undefined)) return;
  throw new Failure(
    'agentIdentityRefused',
    `The policy of account ${account} is strict: no thread replaces its identity or renews its task. An operator replaces the identity with \`bobbin identity replace ${account}\`.`,
    { details: { account } },
  );
}

/** The same, with the task counted as unused. */
function withoutTask(progress: RegistrationProgress): RegistrationProgress {
  const { task, unusedTasks } = progress;
  return { ...progress, task: null, unusedTasks: unusedTasks + (task === null ? 0 : 1) };
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
export async function registerAgentIdentity(
  ports: Ports,
  request: AgentIdentityRegistration | string,
): Promise<RegisteredIdentity> {
  const { account, replaces, ahead } =
    typeof request === 'string' ? { account: request, replaces: null, ahead: false } : request;
  const policy = ports.identityPolicy(account);
  return runLocally(`The registration of an identity for account ${account}`, async (signal) => {
    if (ahead && policy !== 'recoverable') {
      const message = `The identity of account ${account} is not renewed ahead: the policy of the account is ${policy}.`;
      throw new Failure('agentIdentityRefused', message, { details: { account } });
    }
    const identity = await ports.identity.registerIdentity(account, signal, replaces);
    await ports.identity.useIdentity(identity);
    return { ...identity, policy };
  });
}

export function revokeAgentIdentity(ports: Ports, identity: AgentIdentity): Promise<{ problem: string | null }> {
  const name = `The revocation of agent runtime ${identity.agentRuntimeId} of account ${identity.account}`;
  return runLocally(name, (signal) => ports.identity.revokeIdentity(identity, signal));
}

async function runLocally<T>(name: string, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { cancellationSignal } = Context.current();
  try {
    return await body(cancellationSignal);
  } catch (error) {
    if (cancellationSignal.aborted) throw leftToTheNext(name, error);
    throw toTemporal(error);
  }
}
