import type { AgentIdentityMode } from '../threads/thread.ts';

const BY_STRICTNESS: readonly AgentIdentityMode[] = ['off', 'recoverable', 'strict'];

/** The stricter one of both modes. */
export function strictest(one: AgentIdentityMode, other: AgentIdentityMode = one): AgentIdentityMode {
  return isStricter(other, one) ? other : one;
}

export function isStricter(one: AgentIdentityMode, than: AgentIdentityMode): boolean {
  return BY_STRICTNESS.indexOf(one) > BY_STRICTNESS.indexOf(than);
}
