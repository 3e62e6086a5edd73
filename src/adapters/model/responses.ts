/** The model port over the OpenAI Responses API, streamed over HTTP. */
import { Failure } from '../../../activities/failures.ts';
import type { ModelPort, ModelRequest, ModelResponse } from '../../../activities/ports.ts';
import { excerpt, toSecrets, toShownUrl } from './call-facts.ts';
import type { CallFacts } from './call-facts.ts';
import { Exchange, ExchangeProblem } from './exchange.ts';
import { fromErrorAnswer, modelFailure } from './http-failures.ts';
import { toResponsesBody } from './responses-request.ts';
import { createAnswerReader } from './responses-stream.ts';

export interface ResponsesModelOptions {
  /** What `/responses` is added to, for example `https://api.openai.com/v1`. */
  baseUrl: string;
  /** Asked at each call; nothing means that no key is sent. */
  apiKey?: () => string | undefined;
  /** The variable the key comes from, for messages. */
  keyName?: string;
  /** Longest silence of the endpoint, in milliseconds. */
  idleTimeoutMs?: number;
  connectTimeoutMs?: number;
  /** Further headers of every request. Their values are kept out of messages. */
  headers?: Record<string, string>;
}

/** Characters of an error body that are looked at. */
const MAX_ERROR_BODY = 64 * 1024;

/**
 * One HTTP request per call, on kept connections, and never a second try: every problem is thrown at once as a failure of
 * the model codes, since the activity around it retries. Throws `modelBadRequest` for a base URL that is none.
 */
export function createResponsesModel(options: ResponsesModelOptions): ModelPort {
  const url = toEndpoint(options.baseUrl);
  return {
    async respond(request, io) {
      io.signal.throwIfAborted();
      const headers = toHeaders(options, request);
      const facts: CallFacts = {
        model: request.model,
        url: toShownUrl(url),
        secrets: toSecrets([headers.authorization, ...Object.values(options.headers ?? {}), url.password]),
        ...(options.keyName === undefined || request.authorization !== undefined ? {} : { keyName: options.keyName }),
      };
      const exchange = openExchange(url, headers, request, options, io.signal, facts);
      return readAnswer(exchange, facts, io.onText);
    },
  };
}

function openExchange(
  url: URL,
  headers: Record<string, string>,
  request: ModelRequest,
  options: ResponsesModelOptions,
  signal: AbortSignal,
  facts: CallFacts,
): Exchange {
  const { idleTimeoutMs = 300_000, connectTimeoutMs = 15_000 } = options;
  const body = JSON.stringify(toResponsesBody(request));
  try {
    return new Exchange({ url, headers, body, connectTimeoutMs, idleTimeoutMs, signal });
  } catch {
    // Without the cause: Node's error could repeat the value.
    throw modelFailure(
      'modelUnauthorized',
      facts,
      'was not asked: a key or header has characters that no header can hold',
    );
  }
}

async function readAnswer(
  exchange: Exchange,
  facts: CallFacts,
  onText: (delta: string) => void,
): Promise<ModelResponse> {
  let kept = false;
  try {
    await checkHead(exchange, facts);
    const reader = createAnswerReader(facts, onText);
    const response = await exchange.read(reader.feed, () => {
      throw reader.ended();
    });
    kept = true;
    return response;
  } catch (error) {
    throw error instanceof ExchangeProblem ? fromExchangeProblem(facts, error) : error;
  } finally {
    exchange.close(kept);
  }
}

/** Throws for every answer that is not the beginning of an event stream. */
async function checkHead(exchange: Exchange, facts: CallFacts): Promise<void> {
  const head = await exchange.head();
  const status = head.statusCode ?? 0;
  const header = (name: string) => {
    const value = head.headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  if (status < 200 || status > 299) {
    throw fromErrorAnswer(facts, { status, header, body: await exchange.readText(MAX_ERROR_BODY) });
  }
  const type = header('content-type');
  if (type === undefined || type.toLowerCase().startsWith('text/event-stream')) return;
  const body = excerpt(await exchange.readText(MAX_ERROR_BODY), facts);
  throw modelFailure('modelAnswerMalformed', facts, `answered no event stream but ${excerpt(type, facts)}: ${body}`);
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
    case 'broken':
      return modelFailure('modelStreamBroken', facts, `broke off its answer (${problem.message})`, options);
  }
}

function toHeaders(options: ResponsesModelOptions, request: ModelRequest): Record<string, string> {
  const key = options.apiKey?.()?.trim();
  const authorization = request.authorization ?? (key ? `Bearer ${key}` : undefined);
  return {
    accept: 'text/event-stream',
    'content-type': 'application/json',
    'user-agent': 'bobbin',
    ...options.headers,
    ...(authorization === undefined ? {} : { authorization }),
  };
}

function toEndpoint(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Failure(
      'modelBadRequest',
      'The base URL of the model is no http or https URL. Correct it in the settings.',
    );
  }
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/responses`;
  return url;
}
