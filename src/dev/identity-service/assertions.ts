/** Checks the `Authorization: AgentAssertion <token>` of a model request, as the receiving side would. */
import { z } from 'zod';
import { signatureHolds } from './agent-keys.ts';
import type { Registry } from './registry.ts';

export const ASSERTION_CODES = [
  'agent_assertion_missing',
  'agent_assertion_invalid',
  'agent_task_unknown',
  'agent_task_expired',
  'agent_identity_revoked',
  'agent_identity_expired',
] as const;
export type AssertionCode = (typeof ASSERTION_CODES)[number];

export type Verdict =
  { valid: true; agent_runtime_id: string; task_id: string } | { valid: false; code: AssertionCode; message: string };

/** How far a timestamp may lie from this clock, in milliseconds. */
export const MAX_SKEW_MS = 5 * 60 * 1000;

const AssertionSchema = z.strictObject({
  agent_runtime_id: z.string().min(1),
  signature: z.string().min(1),
  task_id: z.string().min(1),
  timestamp: z.string().min(1),
});
type Assertion = z.infer<typeof AssertionSchema>;

export function verifyAssertion(authorization: string | undefined, registry: Registry): Verdict {
  const token = /^AgentAssertion\s+(\S+)$/.exec(authorization?.trim() ?? '')?.[1];
  if (token === undefined) return refuse('agent_assertion_missing', 'The request carries no AgentAssertion.');
  const assertion = fromToken(token);
  if (assertion === undefined) return refuse('agent_assertion_invalid', 'The assertion cannot be decoded.');
  return verifyDecoded(assertion, registry);
}

function verifyDecoded(assertion: Assertion, registry: Registry): Verdict {
  const { agent_runtime_id: runtimeId, task_id: taskId, timestamp, signature } = assertion;
  const identity = registry.identity(runtimeId);
  if (identity === undefined) return refuse('agent_assertion_invalid', `Agent runtime ${runtimeId} is not known here.`);
  const key = Buffer.from(identity.publicKey, 'base64');
  if (!signatureHolds(key, `${runtimeId}:${taskId}:${timestamp}`, signature)) {
    return refuse('agent_assertion_invalid', 'The signature does not fit the registered key.');
  }
  if (!isTimely(timestamp)) return refuse('agent_assertion_invalid', `Timestamp ${timestamp} is more than 5 min off.`);
  if (identity.revoked) return refuse('agent_identity_revoked', `Agent runtime ${runtimeId} was revoked.`);
  if ((identity.expiresAtMs ?? Infinity) <= Date.now())
    return refuse('agent_identity_expired', `Agent runtime ${runtimeId} has expired.`);
  const task = registry.task(taskId);
  if (task?.agentRuntimeId !== runtimeId) {
    return refuse('agent_task_unknown', `Agent task ${taskId} is not known under ${runtimeId}.`);
  }
  if (task.expiresAtMs <= Date.now()) return refuse('agent_task_expired', `Agent task ${taskId} has expired.`);
  return { valid: true, agent_runtime_id: runtimeId, task_id: taskId };
}

/** An RFC 3339 instant in UTC within the allowed skew. */
export function isTimely(timestamp: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(timestamp)) return false;
  return Math.abs(Date.parse(timestamp) - Date.now()) <= MAX_SKEW_MS;
}

function fromToken(token: string): Assertion | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return AssertionSchema.safeParse(json).data;
  } catch {
    return undefined;
  }
}

function refuse(code: AssertionCode, message: string): Verdict {
  return { valid: false, code, message };
}
