/** Carries out a move on the connection of one request, and notes what was answered. */
import type { ServerResponse } from 'node:http';
import { pause, sendJson } from '../loopback-http.ts';
import { SERVER_NAME } from './answer-text.ts';
import type { RequestNotes } from './request-log.ts';
import { failureMessage, toCompaction, toEvents, toResponse, toTokens } from './response-events.ts';
import type { ResponsePlan } from './response-events.ts';
import { sendEvents } from './response-stream.ts';
import type { Move } from './script.ts';

export interface Exchange {
  response: ServerResponse;
  notes: RequestNotes;
  /** Fires when the connection ends before the answer does. */
  gone: AbortSignal;
}

const DEFAULT_CODES: Record<number, string> = {
  401: 'invalid_api_key',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
};

export async function perform(move: Move, plan: ResponsePlan, streamed: boolean, exchange: Exchange): Promise<void> {
  const { response, notes, gone } = exchange;
  switch (move.type) {
    case 'refuse': {
      const { status, retryAfterSeconds } = move;
      if (retryAfterSeconds !== undefined) response.setHeader('retry-after', String(retryAfterSeconds));
      const code = move.code ?? DEFAULT_CODES[status] ?? typeOf(status);
      refuse(exchange, status, code, failureMessage(code));
      return;
    }
    case 'garbage':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>This is no event stream.</html>');
      notes.answered(200);
      return;
    case 'silence':
      return;
    case 'respond': {
      const events = toEvents(plan);
      if (streamed || move.cutAfter !== undefined) {
        notes.answered(200);
        await sendEvents(response, events, move.cutAfter, gone);
        return;
      }
      // A client that wants it in one piece waits as long as the words would have taken.
      await pause(
        events.reduce((sum, { gapMs }) => sum + gapMs, 0),
        gone,
      );
      reply(exchange, 200, toResponse(plan));
    }
  }
}

/** The same for a request for a compaction, whose answer is never streamed. */
export async function performCompaction(
  move: Move,
  body: Record<string, unknown>,
  plan: ResponsePlan,
  exchange: Exchange,
): Promise<void> {
  if (move.type !== 'respond') {
    await perform(move, plan, false, exchange);
    return;
  }
  const { gone } = exchange;
  const waitMs = toEvents(plan).reduce((sum, { gapMs }) => sum + gapMs, 0);
  await pause(waitMs, gone);
  if (plan.failure === undefined) reply(exchange, 200, toCompaction(body, plan));
  else refuse(exchange, 500, plan.failure.code, failureMessage(plan.failure.code));
}

export function reply({ response, notes }: Exchange, status: number, body: unknown): void {
  sendJson(response, status, body);
  notes.answered(status);
}

export function refuse(exchange: Exchange, status: number, code: string, message: string): void {
  reply(exchange, status, toError(status, code, message));
}

/** An error body as OpenAI has it. */
export function toError(status: number, code: string, message: string): object {
  return { error: { message: `${message} (${SERVER_NAME})`, type: typeOf(status, code), param: null, code } };
}

function typeOf(status: number, code = 'rate_limit_exceeded'): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return code;
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** @param cached characters of the request that an endpoint would have in its cache */
export function toPlan(
  body: Record<string, unknown>,
  { inputCharacters, cached }: { inputCharacters: number; cached: number },
  move: Move,
): ResponsePlan {
  const model = typeof body['model'] === 'string' ? body['model'] : 'bobbin-offline';
  const told = move.type === 'respond' ? move.inputTokens : undefined;
  const inputTokens = told ?? toTokens(inputCharacters);
  const cachedTokens = Math.max(0, inputTokens - toTokens(inputCharacters - cached));
  const { output, failure } = move.type === 'respond' ? move : { output: [], failure: undefined };
  return { model, output, inputTokens, cachedTokens, ...(failure === undefined ? {} : { failure }) };
}
