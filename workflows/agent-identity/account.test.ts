import { describe, expect, it } from 'vitest';
import type { AgentIdentityMode } from '../../src/contract/index.ts';
import {
  type AccountState,
  isReplaced,
  isUsable,
  onFailure,
  onRegistered,
  onKeyLeft,
  onRevocation,
  onRevoked,
  onUse,
  refuseEnsure,
  refuseReplacement,
  renewsAt,
  toAccountView,
} from './account.ts';

const HOUR = 3_600_000;
const AT = 5_000_000_000_000;
const REGISTERED = '2026-01-01T00:00:00.000Z';
const NEW: AccountState = { account: 'acme', identity: null };

function registered(policy?: AgentIdentityMode, lifeMs?: number, ahead = false): AccountState {
  const end = lifeMs === undefined ? {} : { expiresAt: new Date(Date.parse(REGISTERED) + lifeMs).toISOString() };
  const identity = { account: 'acme', agentRuntimeId: 'runtime-1', registeredAt: REGISTERED, ...end };
  return onRegistered(NEW, AT, { ...identity, ...(policy === undefined ? {} : { policy }) }, ahead);
}

const FAILURE = { code: 'agentIdentityUnavailable', message: 'it is down', details: {} };

describe('an identity', () => {
  it('is renewed after 80 % of its life under the policy recoverable alone', () => {
    expect(renewsAt(registered('recoverable', 10 * HOUR))).toBe(AT + 8 * HOUR);
    expect(renewsAt(registered('strict', 10 * HOUR))).toBeNull();
    expect(renewsAt(registered('off', 10 * HOUR))).toBeNull();
    expect(renewsAt(registered(undefined, 10 * HOUR))).toBeNull();
    expect(renewsAt(registered('recoverable'))).toBeNull();
    expect(renewsAt(registered('recoverable', 10_000))).toBeNull();
    expect(renewsAt(registered('recoverable', -HOUR))).toBeNull();
  });

  it('that a strict thread uses is not', () => {
    const pinned = onUse(registered('recoverable', 10 * HOUR), { mode: 'strict' });
    expect([pinned.isPinned, renewsAt(pinned)]).toEqual([true, null]);
    expect(onUse(registered('recoverable'), { mode: 'recoverable' }).isPinned).toBeUndefined();
  });

  it('that was renewed ahead is renewed again only where somebody has used it', () => {
    const unused = registered('recoverable', 10 * HOUR, true);
    expect(renewsAt(unused)).toBeNull();
    expect(renewsAt(onUse(unused, {}))).toBe(AT + 8 * HOUR);
  });

  it('that has ended is not used, except by strict threads: an operator replaces that one', () => {
    const [before, after] = [AT + 10 * HOUR - 1, AT + 10 * HOUR];
    const state = registered('recoverable', 10 * HOUR);
    expect([isUsable(state, before, {}), isUsable(state, after, {})]).toEqual([true, false]);
    expect(isUsable(state, after, { mode: 'strict' })).toBe(true);
    expect(isUsable({ ...state, isPinned: true }, after, {})).toBe(true);
    expect(isUsable(registered('strict', 10 * HOUR), after, {})).toBe(true);
    expect(isUsable(registered('recoverable'), after, {})).toBe(true);
    expect(isUsable(NEW, before, {})).toBe(false);
  });

  it('whose renewal fails stays, and is tried again in the middle of what is left', () => {
    const state = registered('recoverable', 10 * HOUR);
    const failed = onFailure(state, AT + 8 * HOUR, FAILURE);
    expect(renewsAt(failed)).toBe(AT + 9 * HOUR);
    expect(toAccountView(failed, false)).toMatchObject({ status: 'inUse', lastError: { code: FAILURE.code } });
    expect(renewsAt(onFailure(failed, AT + 10 * HOUR - 1_000, FAILURE))).toBeNull();
    // A replacement that fails before is no renewal.
    expect(renewsAt(onFailure(state, AT + HOUR, FAILURE))).toBe(AT + 8 * HOUR);
  });

  it('is replaced once, whoever names it', () => {
    const state = registered('recoverable');
    expect(isReplaced(state, { agentRuntimeId: 'runtime-1' })).toBe(false);
    expect(isReplaced(state, { agentRuntimeId: 'runtime-0' })).toBe(true);
    expect(isReplaced(state, {})).toBe(false);
    expect(isReplaced(NEW, { agentRuntimeId: 'runtime-0' })).toBe(false);
  });

  it('that a strict thread uses is replaced by operators only', () => {
    const pinned = onUse(registered('recoverable'), { mode: 'strict' });
    expect(refuseReplacement(pinned, { by: 'thread' })?.code).toBe('agentIdentityRefused');
    expect(refuseReplacement(pinned, { by: 'operator' })).toBeNull();
    expect(refuseReplacement(pinned, {})).toBeNull();
    expect(refuseReplacement(registered('recoverable'), { by: 'thread' })).toBeNull();
  });
});

describe('a revocation', () => {
  const begun = { agentRuntimeId: 'runtime-1', at: AT, reason: 'it was copied', problem: null };

  it('stops the use from its beginning on, for threads of every mode, until an operator replaces the identity', () => {
    const revoked = onRevocation(onUse(registered('recoverable', HOUR), { mode: 'strict' }), begun);
    expect(toAccountView(revoked, false)).toMatchObject({ status: 'revoked', identity: null, isPinned: false });
    expect(refuseEnsure(revoked)).toMatchObject({
      code: 'agentIdentityRevoked',
      message: expect.stringContaining('(it was copied)') as string,
    });
    expect(refuseReplacement(revoked, { by: 'thread' })?.code).toBe('agentIdentityRevoked');
    expect(refuseReplacement(revoked, { by: 'operator' })).toBeNull();
    expect(renewsAt(revoked)).toBeNull();
    const replaced = onRegistered(
      revoked,
      AT,
      { account: 'acme', agentRuntimeId: 'runtime-2', registeredAt: '' },
      false,
    );
    expect([refuseEnsure(replaced), replaced.revocation]).toEqual([null, undefined]);
  });

  it('of another identity leaves the one in use', () => {
    const state = registered('recoverable');
    expect(onRevocation(state, { ...begun, agentRuntimeId: 'runtime-0' })).toBe(state);
    expect(onRevoked(state, 'runtime-0', 'no')).toBe(state);
  });

  it('says why the service did not take part', () => {
    const revoked = onRevoked(onRevocation(registered(), begun), 'runtime-1', 'HTTP 404');
    expect(toAccountView(revoked, false).revocation?.problem).toBe('HTTP 404');
  });

  it('that left the key says so until the key is removed', () => {
    const left = onKeyLeft(onRevocation(registered(), begun), 'runtime-1', 'EACCES');
    expect(left.revocation).toEqual({ ...begun, keyLeft: 'EACCES' });
    expect(onKeyLeft(left, 'runtime-0', 'EROFS')).toBe(left);
    expect(onRevoked(left, 'runtime-1', 'HTTP 404').revocation).toEqual({ ...begun, problem: 'HTTP 404' });
  });
});

it('the state of an earlier release is read', () => {
  const old: AccountState = {
    account: 'acme',
    identity: { account: 'acme', agentRuntimeId: 'r', registeredAt: REGISTERED },
  };
  expect(toAccountView(old, false)).toEqual({
    ...{ account: 'acme', status: 'inUse', policy: null, isPinned: false, registering: false, renewsAt: null },
    identity: { agentRuntimeId: 'r', registeredAt: REGISTERED, expiresAt: null },
    ...{ lastError: null, revocation: null },
  });
  expect(isUsable(old, AT, {})).toBe(true);
});
