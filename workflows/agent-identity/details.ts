/** The details of an account's identity in the Temporal UI. Foreign text is in code spans. */
import type { AccountIdentity } from '../../src/contract/index.ts';
import { codeSpan, literalSpan } from '../sandbox/plain-text.ts';

const WORDS = 400;

export function toAccountDetails(view: AccountIdentity): string {
  const { account, identity, policy, isPinned, registering, renewsAt, lastError, revocation } = view;
  const lines = [
    ...(identity === null ? [] : [`- identity: ${codeSpan(identity.agentRuntimeId, WORDS)}`]),
    ...(identity === null ? [] : [`- registered: ${codeSpan(identity.registeredAt, WORDS)}`]),
    ...(identity === null ? [] : [`- ends: ${codeSpan(identity.expiresAt ?? 'the service reports no end', WORDS)}`]),
    ...(renewsAt === null ? [] : [`- replaced ahead at: ${literalSpan(new Date(renewsAt).toISOString())}`]),
    ...(policy === null ? [] : [`- policy: ${literalSpan(policy)}`]),
    ...(isPinned ? ['- used by a strict thread: only an operator replaces it'] : []),
    ...(registering ? ['- one is being registered'] : []),
    ...(revocation === null ? [] : [`- revoked: ${codeSpan(toRevocationText(revocation), WORDS)}`]),
    ...(lastError === null
      ? []
      : [
          `- last error: ${codeSpan(lastError.code, WORDS)} at ${literalSpan(new Date(lastError.at).toISOString())}: ${codeSpan(lastError.message, WORDS)}`,
        ]),
  ];
  const ways = `Show it with ${literalSpan(`bobbin identity show ${account}`)}, replace it with ${literalSpan(`bobbin identity replace ${account}`)}.`;
  return [`**${STATUS[view.status]}**`, '', ...lines, '', ways].join('\n');
}

const STATUS = { none: 'no identity', inUse: 'in use', revoked: 'revoked' };

function toRevocationText(revocation: NonNullable<AccountIdentity['revocation']>): string {
  const { agentRuntimeId, at, reason, problem, keyLeft } = revocation;
  const left = keyLeft === undefined ? null : `its key is still there: ${keyLeft}`;
  const parts = [left, reason, problem === null ? null : `the service did not take part: ${problem}`];
  return [`${agentRuntimeId} at ${new Date(at).toISOString()}`, ...parts.filter((part) => part !== null)].join('; ');
}
