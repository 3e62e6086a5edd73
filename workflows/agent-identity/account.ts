/** The state of an account's identity, and its decisions, without Temporal. */
import type { RegisteredIdentity } from '../../activities/contract.ts';
import type { AgentIdentity } from '../../activities/ports.ts';
import type {
  AccountIdentity,
  AgentIdentityMode,
  AgentTaskError,
  EnsureIdentity,
  IdentityRevocation,
  ReplaceIdentity,
} from '../../src/contract/index.ts';
import { lifetimeOf, nextTry } from '../sandbox/lifetime.ts';
import type { StepFailure } from '../sandbox/step-failure.ts';

/** Carried over from run to run. Earlier releases had the first two members only. */
export interface AccountState {
  account: string;
  identity: AgentIdentity | null;
  /** When the identity was registered, in milliseconds since the epoch. */
  since?: number;
  policy?: AgentIdentityMode;
  isPinned?: boolean;
  /** It was registered ahead of the end of the one before, and nobody has asked for it yet. */
  isUnused?: true;
  revocation?: IdentityRevocation | null;
  lastError?: AgentTaskError | null;
  /** Left out until a renewal has failed; null for no further attempt. */
  retryAt?: number | null;
}

export interface Refusal {
  code: 'agentIdentityRevoked' | 'agentIdentityRefused';
  message: string;
}

/** @param ahead of the end of the one before */
export function onRegistered(
  { account }: AccountState,
  at: number,
  registered: RegisteredIdentity,
  ahead: boolean,
): AccountState {
  const { policy, ...identity } = registered;
  return {
    ...{ account, identity, since: at },
    ...(policy === undefined ? {} : { policy }),
    ...(ahead ? { isUnused: true } : {}),
  };
}

/** A thread uses the identity. */
export function onUse(state: AccountState, { mode }: EnsureIdentity): AccountState {
  const { isUnused: _, ...used } = state;
  return mode === 'strict' && used.identity !== null ? { ...used, isPinned: true } : used;
}

/**
 * Whether the identity can be used as it is. One that nobody used was not renewed and may have ended; only an operator
 * replaces that of a strict thread.
 */
export function isUsable(state: AccountState, at: number, { mode }: EnsureIdentity): boolean {
  if (state.identity === null) return false;
  const life = lifetime(state);
  const hasEnded = life !== null && at >= life.endsAt;
  return !hasEnded || mode === 'strict' || state.policy !== 'recoverable' || state.isPinned === true;
}

export function onFailure(state: AccountState, at: number, { code, message }: StepFailure): AccountState {
  const life = lifetime(state);
  const isDue = life !== null && at >= life.renewAt;
  return { ...state, lastError: { code, message, at }, ...(isDue ? { retryAt: nextTry(life, at) } : {}) };
}

/** When the identity is replaced ahead of its end, in milliseconds since the epoch; null for never. */
export function renewsAt(state: AccountState): number | null {
  const { policy, isPinned, isUnused, retryAt } = state;
  const life = lifetime(state);
  if (policy !== 'recoverable' || isPinned === true || life === null || retryAt === null) return null;
  // An account that nobody uses costs nothing.
  if (isUnused === true) return null;
  return retryAt ?? life.renewAt;
}

function lifetime({ identity, since }: AccountState) {
  return identity === null || since === undefined ? null : lifetimeOf(identity, since);
}

export function refuseEnsure({ account, revocation }: AccountState): Refusal | null {
  if (revocation == null) return null;
  const why = revocation.reason === null ? '' : ` (${revocation.reason})`;
  return {
    code: 'agentIdentityRevoked',
    message: `The identity ${revocation.agentRuntimeId} of account ${account} was revoked${why}. No other one is acquired until an operator replaces it: \`bobbin identity replace ${account}\`.`,
  };
}

/** Whether the identity that is to be replaced is no longer the one in use, so that nothing happens. */
export function isReplaced({ identity }: AccountState, { agentRuntimeId }: ReplaceIdentity): boolean {
  return identity !== null && agentRuntimeId !== undefined && identity.agentRuntimeId !== agentRuntimeId;
}

export function refuseReplacement(state: AccountState, { by }: ReplaceIdentity): Refusal | null {
  if (by !== 'thread') return null;
  if (state.isPinned === true) {
    const message = `A strict thread uses the identity of account ${state.account}, so no thread replaces it. An operator does: \`bobbin identity replace ${state.account}\`.`;
    return { code: 'agentIdentityRefused', message };
  }
  return refuseEnsure(state);
}

/** The identity is no longer in use, from the moment on at which its revocation begins. */
export function onRevocation(state: AccountState, revocation: IdentityRevocation): AccountState {
  if (state.identity?.agentRuntimeId !== revocation.agentRuntimeId) return state;
  return { ...state, identity: null, isPinned: false, revocation };
}

export function onRevoked(state: AccountState, agentRuntimeId: string, problem: string | null): AccountState {
  const { revocation } = state;
  if (revocation?.agentRuntimeId !== agentRuntimeId) return state;
  const { keyLeft: _, ...rest } = revocation;
  return { ...state, revocation: { ...rest, problem } };
}

/** @param why its key could not be removed */
export function onKeyLeft(state: AccountState, agentRuntimeId: string, why: string): AccountState {
  const { revocation } = state;
  if (revocation?.agentRuntimeId !== agentRuntimeId) return state;
  return { ...state, revocation: { ...revocation, keyLeft: why } };
}

export function toAccountView(state: AccountState, registering: boolean): AccountIdentity {
  const { account, identity, policy, isPinned, lastError, revocation } = state;
  return {
    account,
    status: identity !== null ? 'inUse' : revocation == null ? 'none' : 'revoked',
    identity:
      identity === null
        ? null
        : {
            agentRuntimeId: identity.agentRuntimeId,
            registeredAt: identity.registeredAt,
            expiresAt: identity.expiresAt ?? null,
          },
    policy: policy ?? null,
    isPinned: isPinned === true,
    registering,
    renewsAt: renewsAt(state),
    lastError: lastError ?? null,
    revocation: revocation ?? null,
  };
}
