/** The model port over the OpenAI Responses API, streamed over HTTP. */
import { Failure } from '../../../../activities/failures.ts';
import type {
  AnswerListeners,
  ModelPort,
  ModelRequest,
  ModelResponse,
  TokenUsage,
} from '../../../../activities/ports.ts';
import { excerpt, toSecrets, toShownUrl } from '../call-facts.ts';
import type { CallFacts } from '../call-facts.ts';
import { EVENT_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_ERROR_BODY } from '../http/answer-limits.ts';
import { Exchange, ExchangeProblem, isDecodable } from '../http/exchange.ts';
import { fromErrorAnswer, fromStreamProblem, modelFailure, toProblem } from '../http/http-failures.ts';
import { asObject, asObjects, parseJson } from '../http/json.ts';
import type { JsonObject } from '../http/json.ts';
import { toCompactBody, toResponsesBody } from './request.ts';
import type { HeaderReader } from '../http/retry-after.ts';
import { createAnswerReader, toUsage } from './stream.ts';
import { toWellFormedRequest } from '../http/well-formed.ts';

export interface ResponsesModelOptions {
  /** Base URL of `/responses`, for example `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Called for each request; undefined: send no key. */
  apiKey?: () => string | undefined;
  /** The variable with the key, for messages. */
  keyName?: string;
  /** Longest silence of the endpoint, in milliseconds. */
  idleTimeoutMs?: number;
  /** Longest time without a part of an answer, for example with only comments that keep the connection open. */
  eventTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** More members of every request for an answer. Those that Bobbin sends itself win. */
  members?: JsonObject;
  /** Additional headers of every request. Messages never contain their values. */
  headers?: Record<string, string>;
  /** Whether the model takes tools whose input is text in the form of a grammar (`custom`). */
  freeform?: boolean;
}

/**
 * Sends one HTTP request per call, on pooled connections. Never retries, because the activity does: every problem is
 * thrown at once as a model failure. Throws `modelBadRequest` for an invalid base URL.
 */
export function createResponsesModel(options: ResponsesModelOptions): ResponsesModel {
  const answers = toEndpoint(options.baseUrl, '/responses');
  const compactions = toEndpoint(options.baseUrl, '/responses/compact');
  const { freeform = false } = options;
  return {
    async respond(given, { signal, ...listeners }) {
      const request = toWellFormedRequest(given);
      const body = { ...options.members, ...toResponsesBody(request, freeform) };
      const { exchange, facts } = send(answers, { request, body, accept: 'text/event-stream' }, options, signal);
      return readAnswer(exchange, facts, listeners);
    },
    async compact(given, { signal }) {
      const request = toWellFormedRequest(given);
      const body = toCompactBody(request, freeform);
      const { exchange, facts } = send(compactions, { request, body, accept: 'application/json' }, options, signal);
      return readCompaction(exchange, facts);
    },
  };
}

export interface ResponsesModel {
  respond: ModelPort['respond'];
  /** The endpoint's own compaction; null if it reports that it has none. */
  compact(request: ModelRequest, io: { signal: AbortSignal }): Promise<CompactedOutput | null>;
}

export interface CompactedOutput {
  /** The whole result in the endpoint's form; the next request begins with it. */
  output: JsonObject[];
  usage: TokenUsage;
}

interface Sending {
  request: ModelRequest;
  body: JsonObject;
  accept: string;
}

function send(
  url: URL,
  { request, body, accept }: Sending,
  options: ResponsesModelOptions,
  signal: AbortSignal,
): { exchange: Exchange; facts: CallFacts } {
  signal.throwIfAborted();
  const headers: Record<string, string> = { ...toHeaders(options, request), accept };
  const facts: CallFacts = {
    model: request.model,
    url: toShownUrl(url),
    secrets: toSecrets([headers.authorization, ...Object.values(options.headers ?? {}), url.password]),
    ...(options.keyName === undefined || request.authorization !== undefined ? {} : { keyName: options.keyName }),
  };
  return { exchange: openExchange(url, headers, JSON.stringify(body), options, signal, facts), facts };
}

function openExchange(
  url: URL,
  headers: Record<string, string>,
  body: string,
  options: ResponsesModelOptions,
  signal: AbortSignal,
  facts: CallFacts,
): Exchange {
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, connectTimeoutMs = 15_000 } = options;
  try {
    const eventTimeoutMs = Math.max(options.eventTimeoutMs ?? EVENT_TIMEOUT_MS, idleTimeoutMs);
    return new Exchange({ url, headers, body, connectTimeoutMs, idleTimeoutMs, eventTimeoutMs, signal });
  } catch {
    // Without the cause, because Node's error could contain the value.
    throw modelFailure(
      'modelUnauthorized',
      facts,
      'was not asked: a key or header has characters that no header can hold',
    );
  }
}

async function readAnswer(exchange: Exchange, facts: CallFacts, listeners: AnswerListeners): Promise<ModelResponse> {
  let kept = false;
  try {
    await checkHead(exchange, facts);
    const reader = createAnswerReader(facts, { ...listeners, onEvent: () => exchange.heard() });
    const response = await exchange.read(reader.feed, reader.end);
    kept = true;
    return response;
  } catch (error) {
    throw error instanceof ExchangeProblem ? fromExchangeProblem(facts, error) : error;
  } finally {
    exchange.close(kept);
  }
}

/** Statuses of endpoints that do not support this request. A conversation that is too long has a separate code. */
const UNSUPPORTED = [400, 404, 405, 501];
/** Maximum characters of the answer to a request for a compaction. */
const MAX_COMPACTION = 16 * 1024 * 1024;

async function readCompaction(exchange: Exchange, facts: CallFacts): Promise<CompactedOutput | null> {
  try {
    await checkStatus(exchange, facts);
    let text = '';
    const json = await exchange.read(
      (chunk) => {
        text += chunk;
        if (text.length > MAX_COMPACTION) throw modelFailure('modelAnswerMalformed', facts, 'answered without end');
        return undefined;
      },
      () => parseJson(text) ?? {},
    );
    const body = asObject(json);
    const output = asObjects(body?.output);
    if (output.length > 0) return { output, usage: toUsage(body?.usage) };
    throw modelFailure('modelAnswerMalformed', facts, `answered no compaction: ${excerpt(text, facts)}`);
  } catch (error) {
    if (error instanceof ExchangeProblem) throw fromExchangeProblem(facts, error);
    if (error instanceof Failure && isUnsupported(error)) return null;
    throw error;
  } finally {
    exchange.close(false);
  }
}

function isUnsupported({ code, details }: Failure): boolean {
  // Other entries of the same conversation can be compacted.
  if (details.providerCode === 'invalid_encrypted_content') return false;
  const refused = code === 'modelBadRequest' || code === 'modelNotFound' || code === 'modelServerError';
  return refused && UNSUPPORTED.some((status) => status === details.status);
}

/** Throws unless the answer is an event stream. */
async function checkHead(exchange: Exchange, facts: CallFacts): Promise<void> {
  const { header } = await checkStatus(exchange, facts);
  const type = header('content-type');
  if (type === undefined || type.toLowerCase().startsWith('text/event-stream')) return;
  const body = await exchange.readText(MAX_ERROR_BODY);
  const json = asObject(parseJson(body));
  if (json?.error !== undefined && json.error !== null) throw fromStreamProblem(facts, toProblem(json));
  const what = `answered no event stream but ${excerpt(type, facts)}: ${excerpt(body, facts)}`;
  throw modelFailure('modelAnswerMalformed', facts, what);
}

/** Throws unless the status is a success. */
async function checkStatus(exchange: Exchange, facts: CallFacts): Promise<{ header: HeaderReader }> {
  const head = await exchange.head();
  const status = head.statusCode ?? 0;
  const header: HeaderReader = (name) => {
    const value = head.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  if (!isDecodable(head)) {
    const encoding = excerpt(header('content-encoding') ?? '', facts);
    const what = `answered HTTP ${status} encoded as ${encoding}, which it was not asked for`;
    throw modelFailure('modelAnswerMalformed', facts, what, { details: { status } });
  }
  if (status >= 200 && status <= 299) return { header };
  throw fromErrorAnswer(facts, { status, header, body: await exchange.readText(MAX_ERROR_BODY) });
}

function fromExchangeProblem(facts: CallFacts, problem: ExchangeProblem): Failure {
  const options = { cause: problem };
  switch (problem.trouble) {
    case 'unreachable':
      return modelFailure('modelUnreachable', facts, `cannot be reached (${problem.message})`, options);
    case 'connectTimeout':
      return modelFailure('modelUnreachable', facts, `let no connection through (${problem.message})`, options);
    case 'notHttp':
      return modelFailure('modelAnswerMalformed', facts, `does not speak HTTP (${problem.message})`, options);
    case 'idle':
      return modelFailure('modelStreamBroken', facts, `fell silent (${problem.message})`, options);
    case 'eventless':
      return modelFailure('modelStreamBroken', facts, `sent nothing that can be used (${problem.message})`, options);
    case 'endless':
      return modelFailure('modelAnswerMalformed', facts, `answered without end (${problem.message})`, options);
    case 'broken':
      return modelFailure('modelStreamBroken', facts, `broke off its answer (${problem.message})`, options);
  }
}

function toHeaders(options: ResponsesModelOptions, request: ModelRequest): Record<string, string> {
  const key = options.apiKey?.()?.trim();
  const authorization = request.authorization ?? (key ? `Bearer ${key}` : undefined);
  return {
    'content-type': 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'bobbin',
    ...options.headers,
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function toEndpoint(baseUrl: string, path: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Failure(
      'modelBadRequest',
      'The base URL of the model is no http or https URL. Correct it in the settings.',
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  return url;
}
