/**
 * What a token may ask for besides its scope. Without this, a token that may only submit turns could approve them itself: by
 * a thread without a sandbox, by answers in advance, or by a command of its own.
 */
import type { Limits, TurnKind } from '../../contract/index.ts';
import { runsUnasked } from '../../contract/plain/turn-kinds.ts';
import { scopeMissing } from './app.ts';
import { HttpProblem } from './problem.ts';
import { type Rights, allows } from './tokens.ts';

/** Settings of a thread or a turn. */
interface Wishes {
  sandbox?: string | undefined;
  approvalPolicy?: string | undefined;
  unattended?: { approvals: string } | undefined;
  kind?: TurnKind | undefined;
  agentIdentity?: object | undefined;
  overrides?: (Wishes & { budget?: Partial<Record<string, Limits>> | undefined }) | undefined;
  firstTurn?: Wishes | undefined;
}

/** Throws `scopeMissing` or `ownerRestricted`. */
export function requirePermission(token: Rights, wishes: Wishes): void {
  const { sandbox, unattended, kind, agentIdentity, overrides, firstTurn } = wishes;
  const approves =
    sandbox === 'danger-full-access' ||
    unattended?.approvals === 'accept' ||
    (kind !== undefined && runsUnasked(kind)) ||
    overrides?.budget !== undefined;
  if (approves && !allows(token, 'approve')) throw scopeMissing('approve');
  if (agentIdentity !== undefined && token.owner !== null)
    throw new HttpProblem('ownerRestricted', 'A token with an owner may not choose an agent identity.');
  if (overrides !== undefined) requirePermission(token, { ...overrides, overrides: undefined });
  if (firstTurn !== undefined) requirePermission(token, firstTurn);
}
