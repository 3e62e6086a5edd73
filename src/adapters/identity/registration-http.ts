/** Sends one JSON request to the identity service, and converts all errors to a `Failure`. Does not retry. */
import { Failure } from '../../../activities/failures.ts';
import type { FailureCode, FailureOptions } from '../../../activities/failures.ts';

export interface Post {
  url: string;
  body: unknown;
  bearer?: string;
  /** The start of messages, with ids: `registering an identity for account a`. */
  doing: string;
  /** Texts that no message may quote, even if an answer echoes them. */
  secrets: string[];
  timeoutMs: number;
  signal: AbortSignal;
}

/** In bytes; larger than any registration answer. */
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_QUOTED_CHARACTERS = 512;

export interface Answer {
  body: Record<string, unknown>;
  /** The service's time when it answered, in milliseconds since the epoch; undefined if it does not say. */
  serviceNow: number | undefined;
}

/** Returns the JSON object of the answer. Rejects with the reason of `signal` when that fires, else with a `Failure`. */
export async function post(request: Post): Promise<Answer> {
  request.signal.throwIfAborted();
  const timeout = AbortSignal.timeout(request.timeoutMs);
  const { response, text } = await exchange(request, AbortSignal.any([request.signal, timeout])).catch(
    (error: unknown) => {
      request.signal.throwIfAborted();
      throw unreachable(request, timeout.aborted, error);
    },
  );
  if (!response.ok) throw refused(request, response, text);
  const body = toObject(text);
  if (body === undefined) throw malformed(request, 'is no JSON object');
  const date = Date.parse(response.headers.get('date') ?? '');
  return { body, serviceNow: Number.isNaN(date) ? undefined : date };
}

/** The failure for an unusable answer with a successful status. */
export function malformed(request: Pick<Post, 'url' | 'doing'>, problem: string): Failure {
  const message = `${failing(request)}: the answer ${problem}. ${ADVICE}`;
  return new Failure('agentIdentityAnswerMalformed', message, { details: { url: request.url } });
}

const ADVICE = 'Check that the identity URL is the one of an agent identity service.';

async function exchange(request: Post, signal: AbortSignal): Promise<{ response: Response; text: string }> {
  const response = await fetch(request.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(request.bearer === undefined ? {} : { authorization: `Bearer ${request.bearer}` }),
    },
    body: JSON.stringify(request.body),
    redirect: 'manual',
    signal,
  });
  return { response, text: await readLimited(response) };
}

/** The body up to the limit; does not wait for the rest. */
async function readLimited(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    text += decoder.decode(chunk, { stream: true });
    if (size > MAX_ANSWER_BYTES) break;
  }
  return text;
}

function unreachable(request: Post, timedOut: boolean, error: unknown): Failure {
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  const why = timedOut ? `no answer within ${request.timeoutMs} ms` : (cause?.code ?? (error as Error).message);
  const message = `${failing(request)}: ${scrub(why, request.secrets)}. Check that the service is up and reachable.`;
  return new Failure('agentIdentityUnavailable', message, { cause: error, details: { url: request.url, timedOut } });
}

function refused(request: Post, response: Response, text: string): Failure {
  const { status } = response;
  const transient = status === 408 || status === 429 || status >= 500;
  const code: FailureCode = transient ? 'agentIdentityUnavailable' : 'agentIdentityRefused';
  const advice = transient ? 'It may work later.' : 'Check the access token, the account and the identity URL.';
  const said = scrub(text.trim(), request.secrets).slice(0, MAX_QUOTED_CHARACTERS);
  const retryAfterMs = toMilliseconds(response.headers.get('retry-after'));
  const options: FailureOptions = { details: { url: request.url, status } };
  if (retryAfterMs !== undefined) options.retryAfterMs = retryAfterMs;
  return new Failure(code, `${failing(request)}: HTTP ${status}, saying: ${said || 'nothing'}. ${advice}`, options);
}

function failing(request: Pick<Post, 'url' | 'doing'>): string {
  return `${request.doing} at ${request.url} failed`;
}

function scrub(text: string, secrets: string[]): string {
  return secrets.filter((secret) => secret !== '').reduce((said, secret) => said.replaceAll(secret, '[removed]'), text);
}

/** `Retry-After` in either of its forms, seconds or a date. */
function toMilliseconds(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  if (/^\d+$/.test(retryAfter.trim())) return Number(retryAfter) * 1000;
  const at = Date.parse(retryAfter);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

function toObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
