/** Reads the event stream of a Responses answer. */
import { createParser } from 'eventsource-parser';
import type { EventSourceMessage } from 'eventsource-parser';
import type { AnswerListeners, ModelResponse, TokenUsage } from '../../../../activities/ports.ts';
import { createAnswerMeter, MAX_EVENT_BYTES } from '../http/answer-limits.ts';
import type { CallFacts } from '../call-facts.ts';
import { excerpt } from '../call-facts.ts';
import { fromStreamProblem, modelFailure, toProblem } from '../http/http-failures.ts';
import { asCount, asObject, asText, parseJson } from '../http/json.ts';
import type { JsonObject } from '../http/json.ts';
import { createAnswer, MalformedEntry } from './answer.ts';
import type { Answer } from './answer.ts';
import { NOTHING_IN_IT, isEmpty } from '../empty-answer.ts';
import { createReasoningListener } from '../reasoning-parts.ts';

export interface AnswerReader {
  /** Reads a piece of the body; returns the response when it is complete. Throws a failure. */
  feed: (text: string) => ModelResponse | undefined;
  /** The response after the end of the body. Throws a failure if the response is incomplete. */
  end: () => ModelResponse;
}

/** The events that are parsed. Others are skipped, because some repeat the whole request. */
const READ = new Set([
  'response.output_item.added',
  'response.output_item.done',
  'response.output_text.delta',
  'response.refusal.delta',
  'response.reasoning_summary_text.delta',
  'response.function_call_arguments.delta',
  'response.custom_tool_call_input.delta',
  'response.completed',
  'response.incomplete',
  'response.failed',
  'error',
]);

/** Skipped events that show that the model is thinking, or searching the web. */
const isProgress = (event = ''): boolean => READ.has(event) || /^response\.(reasoning|web_search_call)/.test(event);

export interface AnswerIo extends AnswerListeners {
  /** Called for every event that shows that the model is working on its answer. */
  onEvent: () => void;
}

export function createAnswerReader(facts: CallFacts, { onEvent, ...listeners }: AnswerIo): AnswerReader {
  const answer = createAnswer(createAnswerMeter(facts));
  const onSummary = createReasoningListener(listeners);
  let response: ModelResponse | undefined;
  let events = 0;
  const malformed = (what: string) => modelFailure('modelAnswerMalformed', facts, what);
  const parser = createParser({
    maxBufferSize: MAX_EVENT_BYTES,
    onEvent(message) {
      events += 1;
      if (message.event === undefined || isProgress(message.event)) onEvent();
      if (response === undefined) response = readEvent(message);
    },
    onError(error) {
      if (error.type === 'max-buffer-size-exceeded') throw malformed('sent an event without end');
    },
  });
  const readEvent = (message: EventSourceMessage): ModelResponse | undefined => {
    if (message.event !== undefined && !READ.has(message.event)) return undefined;
    if (message.data === '[DONE]') return undefined;
    const event = asObject(parseJson(message.data));
    if (event === undefined) throw malformed(`sent an event that is no JSON object: ${excerpt(message.data, facts)}`);
    try {
      return applyEvent({ ...event, type: event.type ?? message.event }, answer, facts, { ...listeners, onSummary });
    } catch (error) {
      throw error instanceof MalformedEntry ? malformed(`sent ${error.message}`) : error;
    }
  };
  return {
    feed(text) {
      parser.feed(text);
      return response;
    },
    end() {
      // The last event may lack the blank line after it.
      parser.feed('\n\n');
      if (response !== undefined) return response;
      throw events === 0
        ? malformed('sent a body without a single event')
        : modelFailure('modelStreamBroken', facts, 'ended its stream before the response was complete');
    },
  };
}

function applyEvent(
  event: JsonObject,
  answer: Answer,
  facts: CallFacts,
  { onText, onInput, onSummary }: AnswerListeners & { onSummary: (part: string, delta: string) => void },
): ModelResponse | undefined {
  switch (event.type) {
    case 'response.output_text.delta':
    case 'response.refusal.delta': {
      const delta = deltaOf(event);
      answer.append(answer.placeOf(event), 'message', delta);
      if (delta !== '') onText(delta);
      return undefined;
    }
    case 'response.reasoning_summary_text.delta':
      // For readers only: the item has the whole.
      onSummary(`${answer.placeOf(event)} ${asCount(event.summary_index) ?? 0}`, asText(event.delta) ?? '');
      return undefined;
    case 'response.function_call_arguments.delta':
    case 'response.custom_tool_call_input.delta': {
      const isText = event.type === 'response.custom_tool_call_input.delta';
      const place = answer.placeOf(event);
      const delta = deltaOf(event);
      answer.append(place, isText ? 'custom_tool_call' : 'function_call', delta);
      onInput?.({ call: place, name: answer.nameAt(place), form: isText ? 'text' : 'json', delta });
      return undefined;
    }
    case 'response.output_item.added':
      answer.announce(answer.placeOf(event), itemOf(event));
      return undefined;
    case 'response.output_item.done': {
      const unseen = answer.finish(answer.placeOf(event), itemOf(event));
      if (unseen !== '') onText(unseen);
      return undefined;
    }
    case 'response.completed':
      // Some endpoints use this for every end.
      return asObject(event.response)?.status === 'incomplete'
        ? toCutResponse(event, answer, facts)
        : toWholeResponse(event, answer, facts);
    case 'response.incomplete':
      return toCutResponse(event, answer, facts);
    case 'response.failed':
      throw fromStreamProblem(facts, toProblem(asObject(event.response)));
    case 'error':
      throw fromStreamProblem(facts, toProblem(event));
    default:
      // Some endpoints send an error without an event type.
      if (asObject(event.error) !== undefined || asText(event.error) !== undefined) {
        throw fromStreamProblem(facts, toProblem(event));
      }
      return undefined;
  }
}

function toResponse(event: JsonObject, answer: Answer, whole: boolean): ModelResponse {
  const response = asObject(event.response) ?? {};
  return {
    responseId: asText(response.id) ?? '',
    output: answer.outputs(response.output, whole),
    usage: toUsage(response.usage),
  };
}

function toWholeResponse(event: JsonObject, answer: Answer, facts: CallFacts): ModelResponse {
  const response = toResponse(event, answer, true);
  if (isEmpty(response.output)) throw modelFailure('modelAnswerMalformed', facts, NOTHING_IN_IT);
  return response;
}

/** A stopped answer still counts if it has text or calls. */
function toCutResponse(event: JsonObject, answer: Answer, facts: CallFacts): ModelResponse {
  const response = toResponse(event, answer, false);
  const reason = excerpt(asText(asObject(asObject(event.response)?.incomplete_details)?.reason) ?? 'no reason', facts);
  if (!isEmpty(response.output)) return { ...response, cut: reason };
  throw modelFailure('modelBadRequest', facts, `stopped before it said anything (${reason})`, { details: { reason } });
}

/** Zero if an endpoint does not count it. */
export function toUsage(value: unknown): TokenUsage {
  const usage = asObject(value) ?? {};
  const inputTokens = asCount(usage.input_tokens) ?? 0;
  const outputTokens = asCount(usage.output_tokens) ?? 0;
  return {
    inputTokens,
    cachedInputTokens: asCount(asObject(usage.input_tokens_details)?.cached_tokens) ?? 0,
    outputTokens,
    reasoningOutputTokens: asCount(asObject(usage.output_tokens_details)?.reasoning_tokens) ?? 0,
    totalTokens: asCount(usage.total_tokens) ?? inputTokens + outputTokens,
  };
}

function deltaOf(event: JsonObject): string {
  if (typeof event.delta !== 'string') throw new MalformedEntry('a delta without text');
  return event.delta;
}

function itemOf(event: JsonObject): JsonObject {
  const item = asObject(event.item);
  if (item === undefined) throw new MalformedEntry('an output entry without an item');
  return item;
}
