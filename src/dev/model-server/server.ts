/**
 * The offline model server: the OpenAI Responses wire format over real HTTP, answered by rules instead of a model. Every
 * answer says so. It keeps no conversation; what it does follows from the `input` of each request (`conversation.ts`) and
 * the rules of the last user text (`rules.ts`). It remembers the newest requests only to count what a prompt cache would hold.
 *
 * - `POST /v1/responses`, streamed with `stream: true`
 * - `POST /v1/responses/compact`
 * - `GET /v1/models`
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  isObject,
  listenOnLoopback,
  pause,
  readBody,
  sendJson,
  toJsonObject,
  UnreadableRequest,
} from '../loopback-http.ts';
import { SERVER_NAME } from './answer-text.ts';
import { checkAssertion } from './assertion-check.ts';
import { readConversation } from './conversation.ts';
import type { Conversation } from './types.ts';
import { wantsReview } from './code-review.ts';
import { InvalidInput } from './invalid-input.ts';
import { createMeetingCounter } from './meeting-counter.ts';
import { type PromptCache, createPromptCache } from './prompt-cache.ts';
import { createRequestLog, toAssertedIds, withoutCredentials } from './request-log.ts';
import type { RecordedRequest, RequestLog } from './request-log.ts';
import { perform, performCompaction, refuse, reply, toError, toPlan } from './replies.ts';
import type { Exchange } from './replies.ts';
import { toTokens } from './response-events.ts';
import { type Counted, withoutBytes } from './shown-images.ts';
import { watchConnection } from './response-stream.ts';
import { nextMove } from './script.ts';
import type { Move } from './script.ts';
import { toOfferedTools } from './tool-calls.ts';

export type { RecordedRequest } from './request-log.ts';

export interface ModelServerOptions {
  /** 0, the default, takes a free one. */
  port?: number;
  host?: '127.0.0.1';
  /** Whether a request without a valid agent assertion is answered with 401 from the start. */
  requireAssertion?: boolean;
  /** Where assertions are verified: the whole URL, or the identity service's own. */
  verifyUrl?: string;
  /** Milliseconds before the first byte of each answer. */
  latencyMs?: number;
  /** Whether there is an endpoint that compacts conversations, as OpenAI has; there is by default. */
  compaction?: boolean;
}

export interface ModelServer {
  /** Origin; clients add `/v1`. */
  url: string;
  port: number;
  close(): Promise<void>;
  /** The latest requests, newest last. */
  requests: readonly RecordedRequest[];
  /**
   * The newest request that fits, now or as soon as there is one; a request counts again when its status or the client's
   * leaving is noted. Rejects when the server closes.
   */
  waitForRequest(predicate: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** From now on. Throws if no `verifyUrl` was given. */
  demandAssertions(on: boolean): void;
  /** From now on. */
  offerCompaction(on: boolean): void;
}

interface State {
  log: RequestLog;
  meet: ReturnType<typeof createMeetingCounter>;
  prompts: PromptCache;
  latencyMs: number;
  /** Set while assertions are demanded. */
  verifyUrl: string | undefined;
  compaction: boolean;
}

/** Starts the server on 127.0.0.1. Rejects when the port is taken. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const verifyUrl = options.verifyUrl === undefined ? undefined : toVerifyUrl(options.verifyUrl);
  const log = createRequestLog();
  const { latencyMs = 0, compaction = true } = options;
  const memory = { meet: createMeetingCounter(), prompts: createPromptCache() };
  const state: State = { log, ...memory, latencyMs, verifyUrl: undefined, compaction };
  const demandAssertions = (on: boolean) => {
    if (on && verifyUrl === undefined) throw new Error('Assertions can only be demanded where verifyUrl is given.');
    state.verifyUrl = on ? verifyUrl : undefined;
  };
  demandAssertions(options.requireAssertion ?? false);
  const serve = (request: IncomingMessage, response: ServerResponse) => answer(state, request, response);
  const listener = await listenOnLoopback(SERVER_NAME, options.port ?? 0, serve, { onError: answerFailure });
  return {
    url: listener.url,
    port: listener.port,
    requests: log.requests,
    waitForRequest: (predicate) => log.waitFor(predicate),
    demandAssertions,
    offerCompaction: (on) => {
      state.compaction = on;
    },
    close() {
      log.close();
      return listener.close();
    },
  };
}

function toVerifyUrl(given: string): string {
  const url = new URL(given);
  return url.pathname === '/' ? new URL('/reference/verify', url).href : url.href;
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('server', 'bobbin-offline-model-server');
  const text = await readBody(request);
  const { authorization } = request.headers;
  const method = request.method ?? 'GET';
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const about = { headers: withoutCredentials(request.headers), assertion: toAssertedIds(authorization) };
  const notes = state.log.add({ method, path, ...about, body: parsedOrText(text) }, text.length);
  const exchange: Exchange = { response, notes, gone: watchConnection(response, notes) };
  try {
    await route(state, `${method} ${path}`, authorization, text, exchange);
  } catch (error) {
    refuseFailure(error, exchange);
  }
}

async function route(
  state: State,
  name: string,
  authorization: string | undefined,
  text: string,
  exchange: Exchange,
): Promise<void> {
  if (name === 'GET /') {
    reply(exchange, 200, { name: SERVER_NAME });
  } else if (name === 'GET /v1/models') {
    reply(exchange, 200, MODELS);
  } else if (name === 'POST /v1/responses' || (name === 'POST /v1/responses/compact' && state.compaction)) {
    const refusal = state.verifyUrl && (await checkAssertion(state.verifyUrl, authorization, exchange.gone));
    if (refusal) refuse(exchange, refusal.status, refusal.code, refusal.message);
    else if (name === 'POST /v1/responses') await respond(state, toJsonObject(text), text.length, exchange);
    else await compact(state, toJsonObject(text), text.length, exchange);
  } else {
    refuse(exchange, 404, 'not_found', `There is no ${name} here.`);
  }
}

const MODELS = {
  object: 'list',
  data: [{ id: 'bobbin-offline', object: 'model', created: 0, owned_by: SERVER_NAME }],
};

async function respond(
  state: State,
  body: Record<string, unknown>,
  inputCharacters: number,
  exchange: Exchange,
): Promise<void> {
  const conversation = readConversation(body['input']);
  const counted = withoutBytes(body);
  const characters = inputCharacters - counted.saved;
  const move = toMove(state, counted, conversation, characters);
  const plan = toPlan(body, { inputCharacters: characters, cached: state.prompts.take(counted.body).shared }, move);
  await pause(state.latencyMs + move.delayMs, exchange.gone);
  await perform(move, plan, body['stream'] === true, exchange);
}

async function compact(
  state: State,
  body: Record<string, unknown>,
  inputCharacters: number,
  exchange: Exchange,
): Promise<void> {
  const conversation = { ...readConversation(body['input']), summarising: true };
  const counted = withoutBytes(body);
  const characters = inputCharacters - counted.saved;
  const move = toMove(state, counted, conversation, characters);
  await pause(state.latencyMs + move.delayMs, exchange.gone);
  const plan = toPlan(body, { inputCharacters: characters, cached: state.prompts.take(counted.body).shared }, move);
  await performCompaction(move, body, plan, exchange);
}

function toMove(state: State, { body, images }: Counted, conversation: Conversation, inputCharacters: number): Move {
  if (typeof body['previous_response_id'] === 'string') {
    throw new InvalidInput('This server keeps no responses: send the whole conversation as input.');
  }
  const effort = isObject(body['reasoning']) ? body['reasoning']['effort'] : undefined;
  if (effort !== undefined && !EFFORTS.has(effort)) {
    throw new InvalidInput(
      `Unsupported value: 'reasoning.effort' does not support ${JSON.stringify(effort)} with this model.`,
    );
  }
  return nextMove(conversation, {
    tools: toOfferedTools(body['tools']),
    tokens: toTokens(inputCharacters),
    images,
    parallel: body['parallel_tool_calls'] !== false,
    review: wantsReview(body['text']),
    summarised: isObject(body['reasoning']) && typeof body['reasoning']['summary'] === 'string',
    meet: (line) => state.meet(body['prompt_cache_key'], body['input'], line),
  });
}

/** As some models do, this one does not know every effort. */
const EFFORTS: ReadonlySet<unknown> = new Set(['none', 'minimal', 'low', 'medium', 'high']);

/** A request that cannot be read is the client's; what else goes wrong once the client is gone concerns nobody. */
function refuseFailure(error: unknown, exchange: Exchange): void {
  if (exchange.gone.aborted) return;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof UnreadableRequest) refuse(exchange, error.status, 'invalid_json', message);
  else if (error instanceof InvalidInput) refuse(exchange, 400, 'invalid_input', message);
  else refuse(exchange, 500, 'server_error', message);
}

/** For a body that never came whole: there is no record of such a request. */
function answerFailure(error: unknown, response: ServerResponse): void {
  const status = error instanceof UnreadableRequest ? error.status : 500;
  const message = error instanceof Error ? error.message : String(error);
  sendJson(response, status, toError(status, 'unreadable', message));
}

function parsedOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
