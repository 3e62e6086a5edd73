/** The messages of an account's entity workflow, and their guards. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { AgentIdentity } from '../../activities/ports.ts';
import type { AccountIdentity, EnsureIdentity, ReplaceIdentity, RevokeIdentity } from '../../src/contract/index.ts';
import { readMessage } from '../sandbox/read-message.ts';
import type { Parsed } from '../sandbox/value-readers.ts';

/** Returns the identity in use, and registers one first if there is none. */
export const ensureIdentityUpdate = defineUpdate<AgentIdentity, [EnsureIdentity]>('ensureIdentity');
/** Replaces an identity. The text alone is its runtime id, as clients of earlier releases sent it. */
export const replaceIdentityUpdate = defineUpdate<AgentIdentity, [ReplaceIdentity | string]>('replaceIdentity');
/** Stops the use of an identity, at its service too, and removes its key. */
export const revokeIdentityUpdate = defineUpdate<AccountIdentity, [RevokeIdentity]>('revokeIdentity');
export const identityQuery = defineQuery<AgentIdentity | null>('identity');
export const accountQuery = defineQuery<AccountIdentity>('account');

/** Earlier releases sent nothing. */
export function parseEnsureIdentity(value: unknown): Parsed<EnsureIdentity> {
  return value === undefined || value === null
    ? { ok: true, value: {} }
    : readMessage<EnsureIdentity>('ensureIdentity', value, 'identity');
}

export function parseReplaceIdentity(value: unknown): Parsed<ReplaceIdentity> {
  const given = typeof value === 'string' ? { agentRuntimeId: value } : value;
  return readMessage<ReplaceIdentity>('replaceIdentity', given, 'replacement');
}

export function parseRevokeIdentity(value: unknown): Parsed<RevokeIdentity> {
  return readMessage<RevokeIdentity>('revokeIdentity', value, 'revocation');
}
