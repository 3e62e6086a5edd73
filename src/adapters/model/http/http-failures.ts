/** Converts an error of a model endpoint, as an HTTP status or inside a stream, to a failure. */
import { Failure } from '../../../../activities/failures.ts';
import type { FailureCode } from '../../../../activities/failures.ts';
import { excerpt } from '../call-facts.ts';
import type { CallFacts } from '../call-facts.ts';
import { asObject, asText, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { readRetryAfter, readWaitHint } from './retry-after.ts';
import type { HeaderReader } from './retry-after.ts';

/** An error of an endpoint. */
export interface Problem {
  code?: string;
  type?: string;
  message?: string;
}

export interface ErrorAnswer {
  status: number;
  header: HeaderReader;
  body: string;
}

/** Codes and types with the same meaning for every status. */
const KNOWN_CODES: Partial<Record<string, FailureCode>> = {
  context_length_exceeded: 'contextWindowExceeded',
  exceed_context_size_error: 'contextWindowExceeded',
  insufficient_quota: 'usageLimitExceeded',
  usage_limit_reached: 'usageLimitExceeded',
  usage_not_included: 'usageLimitExceeded',
  billing_hard_limit_reached: 'usageLimitExceeded',
  rate_limit_exceeded: 'modelRateLimited',
  rate_limit_error: 'modelRateLimited',
  too_many_requests: 'modelRateLimited',
  model_not_found: 'modelNotFound',
  not_found_error: 'modelNotFound',
  invalid_api_key: 'modelUnauthorized',
  authentication_error: 'modelUnauthorized',
  permission_error: 'modelUnauthorized',
  invalid_request_error: 'modelBadRequest',
  invalid_prompt: 'modelBadRequest',
  invalid_encrypted_content: 'modelBadRequest',
};

/** Messages of endpoints that send no code when the conversation is too long. */
const TOO_LONG = new RegExp(
  [
    'maximum (context|prompt|model) length',
    'context (window|length|size|limit)',
    '(prompt|input) is too long',
    'maximum number of tokens',
    'model token limit',
    'too many tokens',
    'reduce the length of',
  ].join('|'),
  'i',
);
/** The same as errors of a server, whose words about tokens can be about its load. */
const TOO_LONG_FOR_SERVER = /context (window|length|size) .*exceed|exceed.* context (window|length|size)/i;

const ADVICE = {
  modelBadRequest: 'Asking again cannot help; correct what the answer names.',
  modelNotFound: 'Check the name of the model and the base URL.',
  contextWindowExceeded: 'Compact the conversation, or take a model with a larger window.',
  usageLimitExceeded: 'Raise the limit or the credit of the account, or take another model.',
  modelRateLimited: 'Trying again after a pause may help.',
  modelServerError: 'Trying again after a pause may help.',
  modelUnreachable: 'Check the base URL, the network, and that the endpoint runs; trying again may help.',
  modelStreamBroken: 'Trying again after a pause may help.',
  modelAnswerMalformed: 'Check that the base URL names an endpoint of this kind; trying again may help.',
  agentAssertionRejected: 'The agent task or the agent identity must be acquired again.',
} as const satisfies Partial<Record<FailureCode, string>>;

export type ModelFailureCode = keyof typeof ADVICE | 'modelUnauthorized';

/** The failure for an answer with an error status. */
export function fromErrorAnswer(facts: CallFacts, answer: ErrorAnswer): Failure {
  const problem = toProblem(parseJson(answer.body));
  const code = toStatusCode(answer.status, problem);
  const said = excerpt(problem.message ?? answer.body, facts);
  const retryAfterMs = readRetryAfter(answer.header);
  const requestId = answer.header('x-request-id');
  return modelFailure(code, facts, `answered HTTP ${answer.status}${said === '' ? '' : `: ${said}`}`, {
    problem,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: { status: answer.status, ...(requestId === undefined ? {} : { requestId: excerpt(requestId, facts) }) },
  });
}

/**
 * The failure for an error inside a stream.
 *
 * @param status from the error, because a stream has none
 */
export function fromStreamProblem(facts: CallFacts, problem: Problem, status = 500): Failure {
  const code = toKnownCode(problem) ?? toStatusCode(status, problem);
  const message = problem.message ?? '';
  const retryAfterMs = code === 'modelRateLimited' ? readWaitHint(message) : undefined;
  const words = excerpt([problem.code ?? problem.type, message].filter(Boolean).join(': '), facts);
  return modelFailure(code, facts, `failed inside its answer${words === '' ? '' : ` (${words})`}`, {
    problem,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

export interface ModelFailureOptions {
  problem?: Problem;
  cause?: unknown;
  retryAfterMs?: number;
  details?: Record<string, string | number | boolean>;
}

/** A failure whose message names the model and the URL, followed by `what` and advice. */
export function modelFailure(
  code: ModelFailureCode,
  facts: CallFacts,
  what: string,
  options: ModelFailureOptions = {},
): Failure {
  const { problem, cause, retryAfterMs, details } = options;
  const said = problem?.code ?? problem?.type;
  const providerCode = said === undefined ? undefined : excerpt(said, facts);
  const sentence = /[.!?]$/.test(what) ? what : `${what}.`;
  return new Failure(code, `Model ${facts.model} at ${facts.url} ${sentence} ${toAdvice(code, facts)}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    details: {
      model: facts.model,
      url: facts.url,
      ...(providerCode === undefined ? {} : { providerCode }),
      ...(code === 'agentAssertionRejected' && problem ? { reason: excerpt(agentCode(problem) ?? '', facts) } : {}),
      ...details,
    },
  });
}

function toAdvice(code: ModelFailureCode, facts: CallFacts): string {
  if (code !== 'modelUnauthorized') return ADVICE[code];
  if (facts.keyName === undefined) return 'Check the key, and that it may use this model.';
  return `Check ${facts.keyName}, and that this key may use this model.`;
}

function toStatusCode(status: number, problem: Problem): ModelFailureCode {
  if (status === 401 || status === 403) {
    return agentCode(problem) === undefined ? 'modelUnauthorized' : 'agentAssertionRejected';
  }
  if (status === 404) return 'modelNotFound';
  if (status === 413) return 'contextWindowExceeded';
  if (status === 402) return 'usageLimitExceeded';
  if (status === 429) return isQuota(problem) ? 'usageLimitExceeded' : 'modelRateLimited';
  if (status >= 500 && isTooLongForServer(problem)) return 'contextWindowExceeded';
  if (status === 408 || status === 409 || status === 425 || status >= 500) return 'modelServerError';
  return toRefusalCode(problem);
}

function isTooLongForServer(problem: Problem): boolean {
  return toKnownCode(problem) === 'contextWindowExceeded' || TOO_LONG_FOR_SERVER.test(problem.message ?? '');
}

/** For 400, 422 and similar statuses: a code or message can make the failure more precise. */
function toRefusalCode(problem: Problem): ModelFailureCode {
  const known = toKnownCode(problem);
  if (known === 'contextWindowExceeded' || known === 'usageLimitExceeded' || known === 'modelNotFound') return known;
  return TOO_LONG.test(problem.message ?? '') ? 'contextWindowExceeded' : 'modelBadRequest';
}

function toKnownCode(problem: Problem): ModelFailureCode | undefined {
  if (agentCode(problem) !== undefined) return 'agentAssertionRejected';
  // The code is more precise: a type such as `invalid_request_error` covers many codes.
  for (const word of [problem.code, problem.type]) {
    const known = word === undefined ? undefined : KNOWN_CODES[word];
    if (known === 'modelBadRequest' && TOO_LONG.test(problem.message ?? '')) return 'contextWindowExceeded';
    if (known !== undefined) return known as ModelFailureCode;
  }
  return undefined;
}

function isQuota(problem: Problem): boolean {
  return [problem.code, problem.type].some((word) => word !== undefined && KNOWN_CODES[word] === 'usageLimitExceeded');
}

/** All codes about the assertion begin with `agent_`. */
function agentCode(problem: Problem): string | undefined {
  return [problem.code, problem.type].find((word) => word?.startsWith('agent_'));
}

/** Reads `{ error: { code, type, message } }`, `{ error: "..." }`, and the same members without `error` around them. */
export function toProblem(json: unknown): Problem {
  const whole = asObject(Array.isArray(json) ? (json as unknown[])[0] : json);
  if (whole === undefined) return {};
  const inner = asObject(whole.error);
  if (inner !== undefined) return pick(inner);
  const message = asText(whole.error) ?? asText(whole.message) ?? asText(whole.detail);
  return { ...pick(whole), ...(message === undefined ? {} : { message }) };
}

function pick(from: JsonObject): Problem {
  const code = asText(from.code) ?? asText(from.status);
  const type = asText(from.type);
  const message = asText(from.message);
  return {
    ...(code === undefined ? {} : { code }),
    ...(type === undefined ? {} : { type }),
    ...(message === undefined ? {} : { message }),
  };
}
