/** The model port over the AI SDK, for every provider that has its own package. */
import type * as Ai from 'ai';
import type { LanguageModel, ToolSet } from 'ai';
import type { Failure } from '../../../../activities/failures.ts';
import type { ModelPort, ModelRequest, ModelResponse, ToolSpec } from '../../../../activities/ports.ts';
import { toModelMessages } from './request.ts';
import { WEB_SEARCH, createPartReader } from './stream.ts';
import type { CallFacts } from '../call-facts.ts';
import { toSecrets, toShownUrl } from '../call-facts.ts';
import { EVENT_TIMEOUT_MS, IDLE_TIMEOUT_MS } from '../http/answer-limits.ts';
import { type BoundedFetchOptions, createBoundedFetch } from '../http/bounded-fetch.ts';
import { modelFailure } from '../http/http-failures.ts';
import { checkProviderSettings, readProviderSettings, splitModel, takesAssertion } from '../providers.ts';
import type { OwnProviders, ProviderSettings } from '../providers.ts';
import type { Environment } from '../../../folders/variables.ts';
import type { ProviderName } from '../provider-table.ts';
import { loadProviderModel, type ProviderOptions } from './load-provider.ts';
import { toWellFormedRequest } from '../http/well-formed.ts';

export interface AiSdkModelOptions extends Pick<BoundedFetchOptions, 'maxBodyBytes' | 'maxEventBytes'> {
  /** Longest silence of the endpoint, in milliseconds. */
  idleTimeoutMs?: number;
  /** Longest time in which only what is no part of an answer comes, such as comments that keep a connection open. */
  eventTimeoutMs?: number;
  /** See `ModelsConfig`. */
  packageRoot?: string;
}

type Io = Parameters<ModelPort['respond']>[1];
type AiSdk = Pick<typeof Ai, 'jsonSchema' | 'streamText' | 'Output'>;

/**
 * Takes requests for `provider/model` of the providers in `PROVIDER_NAMES` and of the operator's own, whose packages are
 * loaded at their first use. Keys and addresses are read from `env` at each call. An agent assertion is sent to OpenAI and
 * compatible endpoints, and to gateways: see `takesAssertion`.
 */
export function createAiSdkModel(
  env: Environment,
  options: AiSdkModelOptions = {},
  providers: OwnProviders = {},
): ModelPort {
  return {
    async respond(request, io) {
      io.signal.throwIfAborted();
      const { provider, name } = splitModel(request.model, '');
      const settings = readProviderSettings(env, { provider, model: request.model }, providers);
      const isForGateway = request.authorization !== undefined && takesAssertion(env, settings, request.model);
      const bearer = isForGateway ? request.authorization : undefined;
      checkProviderSettings(bearer === undefined ? settings : { ...settings, keyState: 'not needed' }, request.model);
      const call = { request: toWellFormedRequest(request), name, settings, bearer };
      const url = settings.baseUrl === undefined ? undefined : new URL(settings.baseUrl);
      const facts: CallFacts = {
        model: request.model,
        url: url === undefined ? `the endpoint of ${provider}` : toShownUrl(url),
        secrets: toSecrets([settings.key, bearer, url?.password, ...secretsOf(settings)]),
        ...(bearer === undefined ? { keyName: settings.keyName } : {}),
      };
      return runStream(call, facts, io, options);
    },
  };
}

/** All of them: an access key has parts. */
function secretsOf({ factorySettings }: ProviderSettings): string[] {
  return Object.values(factorySettings).filter((value) => typeof value === 'string');
}

interface Call {
  request: ModelRequest;
  /** The model without its provider. */
  name: string;
  settings: ProviderSettings;
  /** Whole `Authorization` value instead of the key's. */
  bearer: string | undefined;
}

async function runStream(call: Call, facts: CallFacts, io: Io, options: AiSdkModelOptions): Promise<ModelResponse> {
  const ours = new AbortController();
  const onExcess = (failure: Failure) => ours.abort(failure);
  const boundedFetch = createBoundedFetch({ ...options, facts, onBytes: () => idle.refresh(), onExcess });
  // Loaded before the clock starts: the first use of a provider takes a while, and no endpoint is asked yet.
  const [sdk, { fromAiSdkError }, model, search] = await Promise.all([
    import('ai'),
    import('./failures.ts'),
    loadProviderModel(call, boundedFetch, options.packageRoot),
    loadWebSearch(call),
  ]);
  const limit = (ms: number, what: string) =>
    setTimeout(() => onExcess(modelFailure('modelStreamBroken', facts, `${what} (nothing for ${ms} ms)`)), ms);
  const { idleTimeoutMs = IDLE_TIMEOUT_MS, eventTimeoutMs = EVENT_TIMEOUT_MS } = options;
  const idle = limit(idleTimeoutMs, 'fell silent');
  const eventless = limit(Math.max(eventTimeoutMs, idleTimeoutMs), 'sent nothing that can be used');
  let readerError: { error: unknown } | undefined;
  const onText = (delta: string) => {
    try {
      io.onText(delta);
    } catch (error) {
      readerError = { error };
      throw error;
    }
  };
  const reader = createPartReader(facts, call.settings.provider, { ...io, onText });
  const signal = AbortSignal.any([io.signal, ours.signal]);
  try {
    for await (const part of startStream(sdk, model, search, call, signal)) {
      signal.throwIfAborted();
      eventless.refresh();
      reader.take(part);
    }
    signal.throwIfAborted();
    return reader.finish();
  } catch (error) {
    io.signal.throwIfAborted();
    if (readerError !== undefined) throw readerError.error;
    throw fromAiSdkError(ours.signal.aborted ? ours.signal.reason : error, facts);
  } finally {
    clearTimeout(idle);
    clearTimeout(eventless);
    // Closes the connection where the stream was not read to its end, and does nothing where it was.
    ours.abort();
  }
}

function startStream(
  sdk: AiSdk,
  model: LanguageModel,
  search: ToolSet,
  { request, settings }: Call,
  abortSignal: AbortSignal,
) {
  // Its warnings about unsupported settings would go to the console, between the output of commands.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const toTool = ({ description, parameters }: ToolSpec): ToolSet[string] => ({
    description,
    inputSchema: sdk.jsonSchema(parameters),
  });
  const own = Object.fromEntries(request.tools.map((spec) => [spec.name, toTool(spec)]));
  const tools: ToolSet = { ...own, ...search };
  return sdk.streamText({
    model,
    ...(request.instructions === '' ? {} : { instructions: request.instructions }),
    messages: toModelMessages(request.conversation, settings.provider),
    ...(Object.keys(tools).length === 0 ? {} : { tools, toolChoice: request.toolChoice ?? ('auto' as const) }),
    ...toEffort(request),
    ...toOutput(sdk, settings.type, request),
    providerOptions: toProviderOptions(settings, request),
    maxRetries: 0,
    abortSignal,
    // The error comes as a part of the stream as well; the default prints it.
    onError: () => undefined,
  }).stream;
}

/**
 * Beside tools only OpenAI holds every model to a schema; elsewhere it would stand in the way of the tools, and the
 * instructions have to do.
 */
function toOutput(sdk: AiSdk, provider: ProviderName, { outputSchema }: ModelRequest) {
  if (outputSchema === undefined || provider !== 'openai') return {};
  const { name, schema } = outputSchema;
  return { output: sdk.Output.object({ name, schema: sdk.jsonSchema(schema) }) };
}

/** The SDK translates it for each provider, and says so in a warning if it cannot. */
function toEffort({ options: { effort } = {} }: ModelRequest) {
  return effort === undefined || effort === 'default' ? {} : { reasoning: effort };
}

const MAX_SEARCHES = 8;

/** The search of a provider that offers one beside other tools. Anthropic's has no form that searches only what is stored. */
async function loadWebSearch({ request: { options }, settings: { type } }: Call): Promise<ToolSet> {
  if (options?.webSearch !== 'live' || type !== 'anthropic') return {};
  const { anthropic } = await import('@ai-sdk/anthropic');
  return { [WEB_SEARCH]: anthropic.tools.webSearch_20250305({ maxUses: MAX_SEARCHES }) as ToolSet[string] };
}

/** Those of the operator come on top of ours. */
function toProviderOptions({ type, options }: ProviderSettings, request: ModelRequest): ProviderOptions {
  const ours = ownOptions(type, request);
  const names = new Set([...Object.keys(ours), ...Object.keys(options)]);
  return Object.fromEntries([...names].map((name) => [name, { ...ours[name], ...options[name] }]));
}

function ownOptions(type: ProviderName, { parallelToolCalls, promptCacheKey }: ModelRequest): ProviderOptions {
  const options: Partial<Record<ProviderName, ProviderOptions>> = {
    openai: { openai: { store: false, parallelToolCalls, promptCacheKey } },
    azure: { azure: { store: false, parallelToolCalls, promptCacheKey } },
    anthropic: { anthropic: { cacheControl: { type: 'ephemeral' }, disableParallelToolUse: !parallelToolCalls } },
    // Members that not every such endpoint knows are sent only where they change something.
    'openai-compatible': parallelToolCalls ? {} : { openaiCompatible: { parallel_tool_calls: false } },
  };
  return options[type] ?? {};
}
