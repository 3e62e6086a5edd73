/** Gathers one answer from the parts of an AI SDK stream. */
import type { LanguageModelUsage, TextStreamPart, ToolSet } from 'ai';
import type { AnswerListeners, ModelOutput, ModelResponse, TokenUsage } from '../../../../activities/ports.ts';
import type { Failure } from '../../../../activities/failures.ts';
import { createAnswerMeter } from '../http/answer-limits.ts';
import type { AnswerMeter } from '../http/answer-limits.ts';
import { excerpt } from '../call-facts.ts';
import type { CallFacts } from '../call-facts.ts';
import { NOTHING_IN_IT, isEmpty } from '../empty-answer.ts';
import { createReasoningListener } from '../reasoning-parts.ts';
import { toEncryptedContent } from '../foreign-reasoning.ts';
import { modelFailure } from '../http/http-failures.ts';
import { asObject, asText, parseJson } from '../http/json.ts';
import type { JsonObject } from '../http/json.ts';

type Part = TextStreamPart<ToolSet>;
type Finish = Extract<Part, { type: 'finish' }>;
type Metadata = Record<string, JsonObject>;
type Entry = (
  | { type: 'message' }
  | { type: 'reasoning' }
  /** `text` is its arguments. */
  | { type: 'webSearch' }
  /** `call` is there once all of the arguments came; they are whole where they could be read. */
  | { type: 'toolCall'; callId: string; call?: { name: string; isWhole: boolean } }
) & {
  /** Text or arguments. */
  text: string;
  metadata: Metadata;
};

/** The name of the provider's tool. */
export const WEB_SEARCH = 'web_search';

/** An error that came as a part of the stream, for the caller to name. */
export class StreamPartError extends Error {}

export interface PartReader {
  take: (part: Part) => void;
  /** The response, after the last part. Throws a failure where the stream did not come to its end. */
  finish: () => ModelResponse;
}

export function createPartReader(facts: CallFacts, provider: string, listeners: AnswerListeners): PartReader {
  const gathered = createGathered(createAnswerMeter(facts), listeners);
  let responseId = '';
  const warnings: string[] = [];
  let end: Finish | undefined;
  return {
    take(part) {
      if (part.type === 'error') throw new StreamPartError('error part', { cause: part.error });
      if (part.type === 'finish-step') responseId = part.response.id;
      else if (part.type === 'finish') end = part;
      else if (part.type === 'start-step') warnings.push(...toWarnings(part.warnings, facts));
      else gathered.take(part);
    },
    finish() {
      // A stream that is cut ends with a finish part too, for which the provider never gave a reason.
      if (end === undefined || end.finishReason === 'interrupted' || isUnexplained(end)) {
        throw modelFailure('modelStreamBroken', facts, 'ended its stream before the response was complete');
      }
      const reason = excerpt(end.rawFinishReason ?? end.finishReason, facts);
      if (end.finishReason === 'error') {
        throw modelFailure('modelServerError', facts, `ended its answer with an error (${reason})`, {
          details: { reason },
        });
      }
      const isCut = isCutShort(end);
      const entries = gathered.entries.filter((entry) => !isCut || entry.type !== 'toolCall' || entry.call?.isWhole);
      const output = entries.flatMap((entry) => toOutputs(entry, provider));
      if (isEmpty(output) && !isSilentEnd(end)) throw emptyAnswer(end.finishReason, reason, facts);
      const noted = warnings.length > 0 ? { warnings } : {};
      return { responseId, output, usage: toUsage(end.totalUsage), ...noted, ...(isCut ? { cut: reason } : {}) };
    },
  };
}

/** Of what a person has asked for: the effort. Others are about what we send to every model. */
function toWarnings(warnings: Extract<Part, { type: 'start-step' }>['warnings'], facts: CallFacts): string[] {
  return warnings.flatMap((warning) =>
    'feature' in warning && /reasoning|effort/i.test(warning.feature)
      ? [
          `Model ${facts.model} does not take this effort as it is: ${excerpt(warning.details ?? warning.feature, facts)}`,
        ]
      : [],
  );
}

interface Open {
  /** Where it stands among the entries; its key at the meter. */
  place: number;
  entry: Entry;
}

type Handlers = { [Type in Part['type']]?: (part: Extract<Part, { type: Type }>) => void };

function createGathered(meter: AnswerMeter, listeners: AnswerListeners) {
  const { onText, onInput } = listeners;
  const onSummary = createReasoningListener(listeners);
  const entries: Entry[] = [];
  // Providers use an id again once its block has ended, so that the last beginning of an id counts.
  const opened = new Map<string, Open>();
  /** Calls of tools that the provider runs itself. */
  const byProvider = new Set<string>();
  /** Of the tools of calls that have begun. */
  const names = new Map<string, string>();
  const begin = (key: string, entry: Entry): Open => {
    const open = { place: entries.length, entry };
    meter.open(open.place);
    entries.push(entry);
    opened.set(key, open);
    return open;
  };
  const append = (key: string, text: string): Entry | undefined => {
    const open = opened.get(key);
    if (open === undefined) return undefined;
    meter.add(open.place, text);
    open.entry.text += text;
    return open.entry;
  };
  const callAt = (id: string) =>
    opened.get(`call ${id}`) ?? begin(`call ${id}`, { type: 'toolCall', callId: id, text: '', metadata: {} });
  const reason = (part: { id: string; text?: string; providerMetadata?: unknown }) => {
    const entry = append(`reasoning ${part.id}`, part.text ?? '');
    if (entry === undefined) return;
    mergeMetadata(entry.metadata, part);
    onSummary(part.id, part.text ?? '');
  };
  const handlers: Handlers = {
    'text-start': (part) => begin(`text ${part.id}`, { type: 'message', text: '', metadata: {} }),
    'text-delta'(part) {
      append(`text ${part.id}`, part.text);
      if (part.text !== '') onText(part.text);
    },
    'reasoning-start'(part) {
      begin(`reasoning ${part.id}`, { type: 'reasoning', text: '', metadata: {} });
      reason(part);
    },
    'reasoning-delta': reason,
    'reasoning-end': reason,
    'tool-input-start'(part) {
      if (part.providerExecuted === true) byProvider.add(part.id);
      if (byProvider.has(part.id)) return;
      callAt(part.id);
      names.set(part.id, part.toolName);
    },
    'tool-input-delta'(part) {
      if (byProvider.has(part.id)) return;
      const { place } = callAt(part.id);
      append(`call ${part.id}`, part.delta);
      onInput?.({ call: place, name: names.get(part.id) ?? '', form: 'json', delta: part.delta });
    },
    'tool-call'(part) {
      if (part.providerExecuted === true) {
        if (part.toolName !== WEB_SEARCH) return;
        const text = JSON.stringify(part.input ?? {});
        const { place } = begin(`search ${part.toolCallId}`, { type: 'webSearch', text, metadata: {} });
        meter.set(place, text);
        return;
      }
      const { place, entry } = callAt(part.toolCallId);
      const given = typeof part.input === 'string' ? part.input : JSON.stringify(part.input ?? {});
      const call = { name: part.toolName, isWhole: part.invalid !== true };
      Object.assign(entry, { call, text: entry.text || given });
      meter.set(place, entry.text);
      mergeMetadata(entry.metadata, part);
    },
  };
  return { entries, take: (part: Part) => handlers[part.type]?.(part as never) };
}

function toOutputs(entry: Entry, provider: string): ModelOutput[] {
  switch (entry.type) {
    case 'message':
      return entry.text === '' ? [] : [{ type: 'message', text: entry.text }];
    case 'webSearch': {
      const query = asText(asObject(parseJson(entry.text))?.query);
      return [
        { type: 'webSearch', action: query === undefined ? { type: 'other' } : { type: 'search', queries: [query] } },
      ];
    }
    case 'reasoning': {
      const encryptedContent = toEncryptedContent({ provider, metadata: entry.metadata });
      return [{ type: 'reasoning', summary: entry.text === '' ? [] : [entry.text], encryptedContent }];
    }
    case 'toolCall': {
      const { callId, call, metadata } = entry;
      if (call === undefined) return [];
      const output: ModelOutput = { type: 'toolCall', callId, name: call.name, arguments: entry.text };
      if (Object.keys(metadata).length === 0) return [output];
      const encryptedContent = toEncryptedContent({ provider, metadata, callId });
      return [{ type: 'reasoning', summary: [], encryptedContent }, output];
    }
  }
}

function mergeMetadata(into: Metadata, part: { providerMetadata?: unknown }): void {
  for (const [name, values] of Object.entries((part.providerMetadata ?? {}) as Metadata)) {
    into[name] = { ...into[name], ...values };
  }
}

function isUnexplained({ finishReason, rawFinishReason }: Finish): boolean {
  return finishReason === 'other' && rawFinishReason === undefined;
}

/** Words of endpoints for an end like any other, which the SDK does not know. */
const PLAIN_END = /^(eos|eos_token|end_turn|stop_sequence|complete|tool_use)$/i;

function isCutShort({ finishReason, rawFinishReason = '' }: Finish): boolean {
  if (finishReason === 'other') return !PLAIN_END.test(rawFinishReason);
  // Claude has searched as often as one answer may, and would go on if it was asked to.
  if (rawFinishReason === 'pause_turn') return true;
  return finishReason === 'length' || finishReason === 'content-filter';
}

/** Claude ends its turn without a word if it has nothing to add, and would do so again. */
function isSilentEnd({ finishReason, rawFinishReason }: Finish): boolean {
  return finishReason === 'stop' && rawFinishReason === 'end_turn';
}

function emptyAnswer(finishReason: Finish['finishReason'], reason: string, facts: CallFacts): Failure {
  const details = { reason };
  const stopped = `stopped before it said anything (${reason})`;
  if (finishReason === 'other') return modelFailure('modelStreamBroken', facts, stopped, { details });
  if (reason === 'model_context_window_exceeded') {
    return modelFailure('contextWindowExceeded', facts, stopped, { details });
  }
  if (finishReason === 'length' || finishReason === 'content-filter') {
    return modelFailure('modelBadRequest', facts, stopped, { details });
  }
  return modelFailure('modelAnswerMalformed', facts, NOTHING_IN_IT, { details });
}

function toUsage(usage: LanguageModelUsage): TokenUsage {
  const inputTokens = usage.inputTokens ?? 0;
  const outputTokens = usage.outputTokens ?? 0;
  return {
    inputTokens,
    cachedInputTokens: usage.inputTokenDetails.cacheReadTokens ?? 0,
    outputTokens,
    reasoningOutputTokens: usage.outputTokenDetails.reasoningTokens ?? 0,
    totalTokens: usage.totalTokens ?? inputTokens + outputTokens,
  };
}
