/**
 * Only who sealed the reasoning of a model can open it, and the same is true of a provider's own form of a compaction. After
 * a change of the model, the key or the organisation an endpoint may refuse a request for them, and would refuse every later
 * one of the thread. So it is asked again without reasoning, and if need be without such compactions.
 */
import { Failure } from '../failures.ts';
import type { ConversationEntry, ModelRequest } from '../ports.ts';

/** In the order in which they are given up. */
const SEALED = [
  { type: 'reasoning', what: 'the reasoning of earlier answers' },
  { type: 'compaction', what: 'its own summary of what was before' },
] as const;

/** What `ask` resolves with, and warnings about what the request went without. */
export async function askWithReasoning<T>(
  request: ModelRequest,
  signal: AbortSignal,
  ask: (request: ModelRequest) => Promise<T>,
): Promise<{ result: T; warnings: string[] }> {
  try {
    return { result: await ask(request), warnings: [] };
  } catch (error) {
    const sealed = SEALED.find(({ type }) => request.conversation.some((entry) => entry.type === type));
    if (sealed === undefined || !isAboutReasoning(error)) throw error;
    signal.throwIfAborted();
    const conversation = request.conversation.flatMap((entry) =>
      entry.type === sealed.type ? insteadOf(entry) : [entry],
    );
    const { result, warnings } = await askWithReasoning({ ...request, conversation }, signal, ask);
    const warning = `Model ${request.model} was asked without ${sealed.what}, because its endpoint refused it.`;
    return { result, warnings: [warning, ...warnings] };
  }
}

function insteadOf(entry: ConversationEntry): ConversationEntry[] {
  return entry.type === 'compaction' ? entry.otherwise : [];
}

/** Of OpenAI, Anthropic, Google and endpoints with their wire formats. The message also names the model, so no single word counts. */
const ABOUT_REASONING = new RegExp(
  [
    'encrypted[ _]content',
    'compaction blob',
    'reasoning (input )?items?',
    "of type 'reasoning'",
    "'rs_\\w+' not found",
    'redacted_thinking',
    '(thinking|thought)\\W{0,3}signature',
    'signature.{0,20}(thinking|thought)',
  ].join('|'),
  'i',
);

function isAboutReasoning(error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  const isRefusal = error.code === 'modelBadRequest' || error.code === 'modelNotFound';
  const isCode = error.details.providerCode === 'invalid_encrypted_content';
  return isRefusal && (isCode || ABOUT_REASONING.test(error.message));
}
