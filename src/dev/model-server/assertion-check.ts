/** Asks the identity service whether the assertion of a request holds. */
import { isObject } from '../loopback-http.ts';

export interface Refusal {
  status: 401 | 503;
  code: string;
  message: string;
}

const CODES = [
  'agent_assertion_missing',
  'agent_assertion_invalid',
  'agent_task_unknown',
  'agent_task_expired',
  'agent_identity_revoked',
  'agent_identity_expired',
];
const TIMEOUT_MS = 10_000;

/** Undefined if the assertion is valid; 503 if that could not be checked. */
export async function checkAssertion(
  verifyUrl: string,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  if (!/^AgentAssertion\s+\S/.test(authorization ?? '')) {
    const message = 'This server demands an Authorization: AgentAssertion header, and the request has none.';
    return { status: 401, code: 'agent_assertion_missing', message };
  }
  try {
    const response = await fetch(verifyUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ authorization }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    return toRefusal(await response.json());
  } catch {
    const message = `The assertion could not be verified at ${verifyUrl}.`;
    return { status: 503, code: 'agent_assertion_unverified', message };
  }
}

function toRefusal(verdict: unknown): Refusal | undefined {
  if (!isObject(verdict) || typeof verdict['valid'] !== 'boolean') throw new Error('no verdict');
  if (verdict['valid']) return undefined;
  const given = verdict['code'];
  const code = typeof given === 'string' && CODES.includes(given) ? given : 'agent_assertion_invalid';
  const message = typeof verdict['message'] === 'string' ? verdict['message'] : 'The assertion does not hold.';
  return { status: 401, code, message };
}
