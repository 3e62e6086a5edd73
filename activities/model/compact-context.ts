/**
 * Compacts the conversation of a thread: with the provider's own method if it has one, else by asking the model for a
 * summary. Safe to repeat: the thread records only the attempt that completes.
 */
import type { CompactionStep, CompactionStepResult } from '../contract.ts';
import { Failure } from '../failures.ts';
import { respondWithImages } from '../images/refused-images.ts';
import { SUMMARY_REQUEST } from '../instructions/compaction.ts';
import type {
  CompactedConversation,
  ConversationEntry,
  ModelPort,
  ModelRequest,
  ModelResponse,
  Ports,
  TokenUsage,
} from '../ports.ts';
import { hasSkills } from '../skills/listed-skills.ts';
import { runStep } from '../step.ts';
import { cutTo } from './bounded-text.ts';
import type { ContextCache } from './context-cache.ts';
import { toldEnvironment, userMessagesOf, withoutEnvironment } from './conversation.ts';
import { findOffers } from './offers.ts';
import { openModelRequest, requirePrice, showConversation } from './model-request.ts';
import { askWithReasoning } from './refused-reasoning.ts';
import { isSummaryMessage } from './summary-words.ts';
import { newestMessages } from './user-messages.ts';

export interface CompactionProgress {
  type: 'compaction';
  /** Number of characters of the summary so far. */
  chars: number;
}

const NOTHING_SAID = {
  type: 'compacted',
  summary: 'Nothing had been said or done before this.',
  provider: null,
  usage: { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, reasoningOutputTokens: 0, totalTokens: 0 },
  costMicroUsd: 0,
  droppedEntries: 0,
} as const;

/** Tokens of the person's messages that stay as they are, at most a quarter of the window. */
const KEPT_MESSAGE_TOKENS = 20_000;
/** In characters of JSON. */
const MAX_SUMMARY_CHARS = 60_000;
/** In characters of JSON. A larger result is replaced by a summary. */
const MAX_PROVIDER_CHARS = 200_000;

export async function compactContext(
  ports: Ports,
  contexts: ContextCache,
  input: CompactionStep,
): Promise<CompactionStepResult> {
  const first: CompactionProgress = { type: 'compaction', chars: 0 };
  return runStep<CompactionProgress, CompactionStepResult>({ ...ports, ...input }, first, async (step) => {
    const opened = await openModelRequest(ports, contexts, input, step.signal, {
      beside: () => Promise.resolve(),
    });
    const request = {
      ...opened.request,
      model: input.model,
      ...(await offersBefore(ports, opened, input.model, step.signal)),
    };
    const { window } = ports.contextLimits(opened.settings.model);
    const tokens = Math.min(KEPT_MESSAGE_TOKENS, Math.floor(window / 4));
    const userMessages = newestMessages(userMessagesOf(opened.read), tokens);
    if (request.conversation.length === 0) return { ...NOTHING_SAID, userMessages };
    requirePrice(ports, input, input.model);
    const { signal } = step;
    const spentOn = (usage: TokenUsage): Spent => ({
      usage,
      costMicroUsd: ports.prices.costMicroUsd(input.model, usage),
    });
    // Only the provider can read this form, so only the same model can use it. It may keep messages, and what was said
    // about the environment is sent again afterwards.
    const ownForm = input.model === opened.settings.model;
    const read = withoutEnvironment(opened.read);
    const plain = {
      ...request,
      conversation: (await showConversation(ports, { ...opened, read, model: input.model })).conversation,
    };
    const own = await withFewer(plain, signal, (fewer) => (ownForm ? compactOwn(ports.models, fewer, signal) : null));
    if (own.result !== null && isBounded(own.result)) {
      const { provider, output, usage } = own.result;
      const { droppedEntries } = own;
      const form = { summary: '', provider: { provider, output } };
      return { type: 'compacted', ...form, userMessages, ...spentOn(usage), droppedEntries };
    }
    const onText = (delta: string) => {
      step.progress = { type: 'compaction', chars: step.progress.chars + delta.length };
    };
    const { result, droppedEntries } = await withFewer(request, signal, async (fewer) => {
      const ask = (asked: ModelRequest) => respondWithImages(ports.models, asked, { signal, onText });
      return (await askWithReasoning(toSummaryRequest(fewer), signal, ask)).result;
    });
    const summary = summaryOf(result, input.model);
    const asked = spentOn(result.usage);
    // A compaction that is too large was paid for.
    const spent = own.result === null ? asked : bothOf(spentOn(own.result.usage), asked);
    return { type: 'compacted', summary, userMessages, provider: null, ...spent, droppedEntries };
  });
}

/** Null if the provider has no compaction of its own. */
async function compactOwn(
  models: ModelPort,
  request: ModelRequest,
  signal: AbortSignal,
): Promise<CompactedConversation | null> {
  const ask = async (asked: ModelRequest) => (await models.compact?.(asked, { signal })) ?? null;
  return (await askWithReasoning(request, signal, ask)).result;
}

/**
 * The tools of the requests before this one, so that the endpoint finds their beginning in its cache. Without those of a
 * server that is needed and does not answer, only the cache is lost.
 */
async function offersBefore(
  ports: Ports,
  { request: { options }, settings, read }: Awaited<ReturnType<typeof openModelRequest>>,
  model: string,
  signal: AbortSignal,
): Promise<Pick<ModelRequest, 'tools' | 'toolChoice' | 'options'>> {
  const skills = hasSkills(toldEnvironment(read));
  const offers = await findOffers(ports, { settings: { ...settings, model }, skills }, signal).catch(() => undefined);
  signal.throwIfAborted();
  if (offers === undefined) return { tools: [] };
  const { tools, webSearch } = offers;
  return { tools, toolChoice: 'none', options: { ...options, webSearch } };
}

interface Spent {
  usage: TokenUsage;
  /** Null for a model without a price. */
  costMicroUsd: number | null;
}

function bothOf(one: Spent, other: Spent): Spent {
  const plus = (name: keyof TokenUsage) => one.usage[name] + other.usage[name];
  const costs = [one.costMicroUsd, other.costMicroUsd].filter((cost) => cost !== null);
  return {
    usage: {
      inputTokens: plus('inputTokens'),
      cachedInputTokens: plus('cachedInputTokens'),
      outputTokens: plus('outputTokens'),
      reasoningOutputTokens: plus('reasoningOutputTokens'),
      totalTokens: plus('totalTokens'),
    },
    costMicroUsd: costs.length === 2 ? costs.reduce((sum, cost) => sum + cost) : null,
  };
}

function isBounded({ output }: CompactedConversation): boolean {
  return JSON.stringify(output).length <= MAX_PROVIDER_CHARS;
}

function toSummaryRequest(request: ModelRequest): ModelRequest {
  const ask: ConversationEntry = { type: 'message', role: 'user', text: SUMMARY_REQUEST };
  return { ...request, conversation: [...request.conversation, ask] };
}

function summaryOf(response: ModelResponse, model: string): string {
  const text = response.output.flatMap((output) => (output.type === 'message' ? [output.text] : [])).join('\n');
  if (text.trim() !== '') return cutTo(MAX_SUMMARY_CHARS, text.trim());
  throw new Failure('modelAnswerMalformed', `Model ${model} was asked for a summary and answered without any text.`);
}

/**
 * Asks for a summary. If the conversation is too long for the model, asks again without its oldest entries: one, then two,
 * four and so on, so that a much too long conversation needs few requests.
 */
async function withFewer<T>(
  request: ModelRequest,
  signal: AbortSignal,
  ask: (request: ModelRequest) => Promise<T> | T,
): Promise<{ result: T; droppedEntries: number }> {
  const all = request.conversation;
  for (let drop = 0; ; drop = drop * 2 + 1) {
    const conversation = withoutOldest(all, drop);
    try {
      return { result: await ask({ ...request, conversation }), droppedEntries: all.length - conversation.length };
    } catch (error) {
      signal.throwIfAborted();
      const tooLong = error instanceof Failure && error.code === 'contextWindowExceeded';
      if (!tooLong || withoutOldest(all, drop * 2 + 1).every(isSummary)) throw error;
    }
  }
}

/**
 * The conversation without its oldest entries. An output is dropped with its call. An earlier summary stays, because it
 * is all that is left of what was before it.
 */
export function withoutOldest(entries: readonly ConversationEntry[], count: number): ConversationEntry[] {
  const left = entries.filter((entry, index) => index >= count || isSummary(entry));
  const calls = new Set(left.flatMap((entry) => (entry.type === 'toolCall' ? [entry.callId] : [])));
  return left.filter((entry) => entry.type !== 'toolOutput' || calls.has(entry.callId));
}

function isSummary(entry: ConversationEntry): boolean {
  return entry.type === 'compaction' || (entry.type === 'message' && isSummaryMessage(entry.text));
}
