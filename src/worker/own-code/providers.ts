/** The operator's own model providers, in front of those that Bobbin has. */
import { z } from 'zod';
import { Failure } from '../../../activities/failures.ts';
import type { ModelPort, ModelRequest, ModelResponse } from '../../../activities/ports.ts';
import { toMessage } from './tools.ts';

/**
 * Makes one model call. `request.model` is the name after the provider's. Pass each piece of text to `onText` as it comes,
 * and of a summary of reasoning to `onReasoning`.
 * Any error is retried, except a `Failure` with a code that is not (`modelBadRequest`, `modelUnauthorized`,
 * `modelNotFound`, `contextWindowExceeded`, `usageLimitExceeded`).
 */
export type OwnProvider = ModelPort['respond'];

const tokens = z.number().min(0);
const ResponseSchema = z.object({
  responseId: z.string(),
  output: z.array(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('message'), text: z.string() }),
      z.object({
        type: z.literal('reasoning'),
        id: z.string().exactOptional(),
        summary: z.array(z.string()),
        encryptedContent: z.string().exactOptional(),
      }),
      z.object({
        type: z.literal('toolCall'),
        callId: z.string().min(1),
        name: z.string().min(1),
        arguments: z.string(),
      }),
    ]),
  ),
  usage: z.object({
    inputTokens: tokens,
    cachedInputTokens: tokens,
    outputTokens: tokens,
    reasoningOutputTokens: tokens,
    totalTokens: tokens,
  }),
  cut: z.string().exactOptional(),
});

export function withProviders(models: ModelPort, providers: ReadonlyMap<string, OwnProvider>): ModelPort {
  const split = ({ model }: ModelRequest) => {
    const slash = model.indexOf('/');
    return { provider: providers.get(model.slice(0, Math.max(slash, 0))), name: model.slice(slash + 1) };
  };
  return {
    respond(request, io) {
      const { provider, name } = split(request);
      return provider === undefined ? models.respond(request, io) : respond(provider, request, name, io);
    },
    compact: (request, io) =>
      split(request).provider === undefined
        ? (models.compact?.(request, io) ?? Promise.resolve(null))
        : Promise.resolve(null),
  };
}

async function respond(
  provider: OwnProvider,
  request: ModelRequest,
  name: string,
  io: Parameters<OwnProvider>[1],
): Promise<ModelResponse> {
  const { model } = request;
  const parsed = ResponseSchema.safeParse(await call(provider, { ...request, model: name }, model, io));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = `${issue?.path.join('.') || 'the answer'}: ${issue?.message ?? ''}`;
  throw new Failure('modelAnswerMalformed', `The provider of model ${model} returned what cannot be used: ${problem}`);
}

/** A call that does not end when it is told to is left: its answer is not used. */
async function call(provider: OwnProvider, request: ModelRequest, model: string, io: Parameters<OwnProvider>[1]) {
  const stopped = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    io.signal.addEventListener('abort', () => reject(io.signal.reason as Error), {
      once: true,
      signal: stopped.signal,
    });
  });
  const whileAsked = (listen: (delta: string) => void) => (delta: unknown) => {
    if (!io.signal.aborted && !stopped.signal.aborted) listen(String(delta));
  };
  const onText = whileAsked(io.onText);
  const onReasoning = whileAsked((delta) => io.onReasoning?.(delta));
  io.signal.throwIfAborted();
  try {
    return await Promise.race([
      Promise.resolve().then(() => provider(request, { signal: io.signal, onText, onReasoning })),
      aborted,
    ]);
  } catch (error) {
    io.signal.throwIfAborted();
    if (error instanceof Failure) throw error;
    throw new Failure('modelServerError', `The provider of model ${model} failed: ${toMessage(error)}`, {
      cause: error,
    });
  } finally {
    stopped.abort();
  }
}
