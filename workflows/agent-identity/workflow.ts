/**
 * One entity per account: the agent identity in use. It registers one identity, however many threads and workers ask
 * for it at once. It holds only public facts; the private key stays in the key store.
 */
import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import type { AgentIdentity } from '../../activities/ports.ts';
import { toIdentityWorkflowId } from '../../src/contract/plain/workflow-ids.ts';
import { isContinued } from '../sandbox/carried-state.ts';
import { toStepFailure } from '../sandbox/step-failure.ts';
import { type Parsed, Refused, fields, id, parse } from '../sandbox/value-readers.ts';
import {
  type AccountState,
  type Refusal,
  isReplaced,
  isUsable,
  onFailure,
  onKeyLeft,
  onRegistered,
  onRevocation,
  onRevoked,
  onUse,
  refuseEnsure,
  refuseReplacement,
  renewsAt,
  toAccountView,
} from './account.ts';
import { toAccountDetails } from './details.ts';
import {
  accountQuery,
  ensureIdentityUpdate,
  identityQuery,
  parseEnsureIdentity,
  parseReplaceIdentity,
  parseRevokeIdentity,
  replaceIdentityUpdate,
  revokeIdentityUpdate,
} from './messages.ts';

/** Result of an entity that was started without an account, or under the id of another one; any other one stays open. */
export interface AgentIdentityRefused {
  status: 'refused';
  reason: string;
}

/**
 * A local activity: threads wait for it inside their own activities. If those occupied every slot of every worker, a
 * normal activity would never run.
 */
const { registerAgentIdentity, revokeAgentIdentity } = proxyLocalActivities<Activities>({
  startToCloseTimeout: '20s',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  // Callers retry; a worker that shuts down waits for one attempt at most.
  retry: { maximumAttempts: 1 },
});

/** The service limits the updates of a run, so the entity continues as new long before that. */
const UPDATES_PER_RUN = 500;

/** The only mutable data of the entity. */
interface Entity {
  state: AccountState;
  registering: Promise<AgentIdentity> | null;
  /** A revocation has not ended. */
  revoking: boolean;
  updates: number;
  /** Set by every change, cleared by the loop. */
  changed: boolean;
}

/** @param argument `{ account }`, or the state of the previous run: only that one has an identity. */
export async function agentIdentity(argument: unknown): Promise<AgentIdentityRefused> {
  const opened = open(argument);
  if (!opened.ok) return { status: 'refused', reason: opened.reason };
  const entity: Entity = { state: opened.value, registering: null, revoking: false, updates: 0, changed: false };
  registerHandlers(entity);
  for (;;) {
    entity.changed = false;
    setCurrentDetails(toAccountDetails(toView(entity)));
    if (await endsHere(entity)) return continueAsNew<typeof agentIdentity>(entity.state);
  }
}

/** Waits for the next change, and renews the identity when it is due. True once the run is long enough. */
async function endsHere(entity: Entity): Promise<boolean> {
  const isLong = () => entity.updates >= UPDATES_PER_RUN || workflowInfo().continueAsNewSuggested;
  const isOver = () => isLong() && allHandlersFinished() && entity.registering === null;
  const due = entity.registering === null ? renewsAt(entity.state) : null;
  const wakes = () => entity.changed || isOver();
  if (due === null) await condition(wakes);
  else if (!(await condition(wakes, Math.max(1, due - Date.now())))) await register(entity, true).catch(() => null);
  return isOver();
}

function toView({ state, registering }: Entity) {
  return toAccountView(state, registering !== null);
}

function change(entity: Entity, state: AccountState): void {
  entity.state = state;
  entity.changed = true;
}

/** One at a time: all callers get the result of the one that is under way. */
function register(entity: Entity, ahead = false): Promise<AgentIdentity> {
  entity.registering ??= registerOnce(entity, ahead).finally(() => {
    entity.registering = null;
    entity.changed = true;
  });
  entity.changed = true;
  return entity.registering;
}

async function registerOnce(entity: Entity, ahead: boolean): Promise<AgentIdentity> {
  const { account, identity } = entity.state;
  try {
    const replaces = identity?.agentRuntimeId ?? null;
    const registered = await registerAgentIdentity({ account, replaces, ahead });
    change(entity, onRegistered(entity.state, Date.now(), registered, ahead));
    return registered;
  } catch (error) {
    const failure = toStepFailure(error);
    change(entity, onFailure(entity.state, Date.now(), failure));
    throw ApplicationFailure.nonRetryable(failure.message, failure.code);
  }
}

function registerHandlers(entity: Entity): void {
  setHandler(
    ensureIdentityUpdate,
    async (payload) => {
      entity.updates++;
      const asked = read(parseEnsureIdentity(payload));
      await condition(() => !entity.revoking);
      admit(refuseEnsure(entity.state));
      const { identity } = entity.state;
      const isReady = entity.registering === null && isUsable(entity.state, Date.now(), asked);
      const used = identity !== null && isReady ? identity : await register(entity);
      change(entity, onUse(entity.state, asked));
      return used;
    },
    {
      description: 'The identity of this account, registered first if there is none: {} or { "mode": "strict" }',
      validator: (payload) => void read(parseEnsureIdentity(payload)),
    },
  );
  // The old identity stays until the new one is registered: a service that is down must not cost a working identity.
  setHandler(
    replaceIdentityUpdate,
    async (payload) => {
      entity.updates++;
      const replacement = read(parseReplaceIdentity(payload));
      await condition(() => !entity.revoking);
      const { identity } = entity.state;
      if (identity !== null && isReplaced(entity.state, replacement)) return identity;
      admit(refuseReplacement(entity.state, replacement));
      return register(entity);
    },
    {
      description: 'Replaces the identity: {} or { "agentRuntimeId": "agent-runtime-1" }',
      validator: (payload) => void read(parseReplaceIdentity(payload)),
    },
  );
  setHandler(revokeIdentityUpdate, (payload) => revoke(entity, payload), {
    description:
      'Revokes the identity and removes its key: {} or { "agentRuntimeId": "agent-runtime-1", "reason": "..." }',
    validator: (payload) => void read(parseRevokeIdentity(payload)),
  });
  setHandler(identityQuery, () => entity.state.identity, {
    description: 'The identity in use, or null; nothing in it is secret',
  });
  setHandler(accountQuery, () => toView(entity), {
    description: 'The identity with its end, its policy, its last error and its revocation',
  });
}

/** An identity that is being registered is waited for, so that the one in use afterwards is meant. */
async function revoke(entity: Entity, payload: unknown) {
  entity.updates++;
  const { agentRuntimeId, reason = null } = read(parseRevokeIdentity(payload));
  await condition(() => entity.registering === null && !entity.revoking);
  const { account, identity } = entity.state;
  const revoked = agentRuntimeId ?? identity?.agentRuntimeId ?? withKeyLeft(entity.state);
  if (revoked === undefined) return toView(entity);
  entity.revoking = true;
  try {
    const begun = { agentRuntimeId: revoked, at: Date.now(), reason, problem: null };
    change(entity, onRevocation(entity.state, begun));
    const { problem } = await revokeAgentIdentity({ account, agentRuntimeId: revoked, registeredAt: '' });
    change(entity, onRevoked(entity.state, revoked, problem));
    return toView(entity);
  } catch (error) {
    const failure = toStepFailure(error);
    const stored = onKeyLeft(entity.state, revoked, failure.message);
    change(entity, onFailure(stored, Date.now(), failure));
    const hint = `\`bobbin identity revoke ${account} --identity ${revoked}\``;
    const message = `No thread gets ${revoked} any longer, but its key is still there: ${failure.message} Revoke it again: ${hint}.`;
    throw ApplicationFailure.nonRetryable(message, failure.code);
  } finally {
    entity.revoking = false;
  }
}

/** A revoked identity whose key is still there. */
function withKeyLeft({ revocation }: AccountState): string | undefined {
  return revocation?.keyLeft !== undefined && patched('revoke-again') ? revocation.agentRuntimeId : undefined;
}

function read<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw ApplicationFailure.nonRetryable(parsed.reason, parsed.code);
}

function admit(refusal: Refusal | null): void {
  if (refusal !== null) throw ApplicationFailure.nonRetryable(refusal.message, refusal.code);
}

function open(argument: unknown): Parsed<AccountState> {
  if (isContinued()) return { ok: true, value: argument as AccountState };
  return parse(() => {
    const account = id(fields(argument, 'identity')['account'], 'account');
    const { workflowId } = workflowInfo();
    if (workflowId !== toIdentityWorkflowId(account))
      throw new Refused(`account: ${account} has the workflow ${toIdentityWorkflowId(account)}, not ${workflowId}`);
    return { account, identity: null };
  });
}
