/** The model port for all models. The name of a model selects its endpoint. */
import { Failure } from '../../../activities/failures.ts';
import type { ModelPort, ModelRequest } from '../../../activities/ports.ts';
import { createAiSdkModel, unknownProvider } from './ai-sdk/ai-sdk.ts';
import { readableBy } from './foreign-compaction.ts';
import { takesFreeform } from './freeform.ts';
import {
  checkProviderSettings,
  isProviderName,
  OFFLINE,
  readProviderSettings,
  readVariable,
  splitModel,
} from './providers.ts';
import type { Environment } from './providers.ts';
import { createResponsesModel } from './responses/responses.ts';
import type { ResponsesModel, ResponsesModelOptions } from './responses/responses.ts';

/** As OpenAI advises for coding agents. */
export const DEFAULT_OPENAI_MODEL = 'openai/gpt-5.6';
const OFFLINE_MODEL = 'offline/bobbin-offline';

export interface ModelsConfig {
  /** The environment with keys and addresses, read at each call. */
  env: Environment;
  /** Origin of the offline model server, with or without `/v1`; undefined if none is running. */
  offlineUrl?: string;
  /** Provider of model names without one; `openai` by default. */
  defaultProvider?: string;
  idleTimeoutMs?: number;
  connectTimeoutMs?: number;
}

/**
 * Routes by `request.model`:
 * - `openai/<model>`: the Responses API at `OPENAI_BASE_URL`, with `OPENAI_API_KEY`
 * - `offline/<model>`: the offline model server, which speaks the same wire
 * - `anthropic/<model>`, `google/<model>`, `openai-compatible/<model>`: the AI SDK
 *
 * A missing key is `modelUnauthorized` with the name of its variable, before anything is sent. If the request carries an
 * assertion, OpenAI and compatible endpoints need no key.
 */
export function createModels(config: ModelsConfig): ModelPort {
  const { env, offlineUrl, defaultProvider = 'openai', ...timeouts } = config;
  const aiSdk = createAiSdkModel(env, timeouts);
  /** Null for a provider without the Responses wire format. */
  const responsesModelOf = (request: ModelRequest, provider: string, name: string): ResponsesModel | null => {
    const options = { ...timeouts, freeform: takesFreeform(env, provider, name) };
    if (provider === OFFLINE) {
      return createResponsesModel({ baseUrl: toOfflineBaseUrl(offlineUrl, request.model), ...options });
    }
    if (!isProviderName(provider)) throw unknownProvider(request.model);
    return provider === 'openai' ? createOpenAi(env, request, options) : null;
  };
  const routed = (request: ModelRequest) => {
    const { provider, name } = splitModel(request.model, defaultProvider);
    const responses = responsesModelOf(request, provider, name);
    const conversation = readableBy(provider, request.conversation);
    return { provider, responses, request: { ...request, conversation, model: name } };
  };
  return {
    async respond(given, io) {
      const { provider, responses, request } = routed(given);
      if (responses !== null) return responses.respond(request, io);
      const answer = await aiSdk.respond({ ...request, model: `${provider}/${request.model}` }, io);
      const unused = unusedOptions(given);
      return unused.length === 0 ? answer : { ...answer, warnings: [...(answer.warnings ?? []), ...unused] };
    },
    async compact(given, io) {
      const { provider, responses, request } = routed(given);
      const compacted = (await responses?.compact(request, io)) ?? null;
      return compacted === null ? null : { provider, ...compacted };
    },
  };
}

/** Only the Responses wire format has them. */
function unusedOptions({ model, options = {} }: ModelRequest): string[] {
  const names = (['summary', 'verbosity', 'serviceTier'] as const).filter(
    (name) => options[name] !== undefined && options[name] !== 'default',
  );
  return names.map((name) => `The setting ${name} has no effect on model ${model}.`);
}

function createOpenAi(
  env: Environment,
  request: ModelRequest,
  options: Pick<ResponsesModelOptions, 'idleTimeoutMs' | 'connectTimeoutMs' | 'freeform'>,
): ResponsesModel {
  const settings = readProviderSettings(env, 'openai');
  const isSigned = request.authorization !== undefined;
  const checked = isSigned ? { ...settings, keyState: 'not needed' as const } : settings;
  checkProviderSettings(checked, request.model);
  const { baseUrl, keyName, key } = checked;
  return createResponsesModel({ baseUrl, keyName, apiKey: () => key, ...options });
}

function toOfflineBaseUrl(offlineUrl: string | undefined, model: string): string {
  if (offlineUrl === undefined) {
    throw new Failure(
      'modelNotFound',
      `Model ${model} belongs to the offline model server, and none runs here. Set OPENAI_API_KEY or BOBBIN_MODEL to use another model, or start the whole stack.`,
      { details: { model } },
    );
  }
  const url = offlineUrl.replace(/\/+$/, '');
  return url.endsWith('/v1') ? url : `${url}/v1`;
}

export interface ModelChoice {
  /** With its provider. */
  model: string;
  provider: string;
  via: 'responses' | 'ai-sdk' | 'offline';
  key: 'set' | 'missing' | 'not needed';
  /** A problem that would fail every request, and what to do; undefined if none is known. */
  problem?: string;
}

/**
 * The default model: `BOBBIN_MODEL`, else OpenAI's if its key is set, else the offline one. Never throws, and shows no key.
 */
export function describeModelChoice(env: Environment, offlineUrl?: string): ModelChoice {
  const fallback = readVariable(env, 'OPENAI_API_KEY') === undefined ? OFFLINE_MODEL : DEFAULT_OPENAI_MODEL;
  const { provider, name } = splitModel(readVariable(env, 'BOBBIN_MODEL') ?? fallback, 'openai');
  const model = `${provider}/${name}`;
  if (provider === OFFLINE) {
    const problem = problemOf(() => toOfflineBaseUrl(offlineUrl, model));
    return { model, provider, via: 'offline', key: 'not needed', ...problem };
  }
  if (!isProviderName(provider)) {
    return { model, provider, via: 'ai-sdk', key: 'missing', problem: unknownProvider(model).message };
  }
  const settings = readProviderSettings(env, provider);
  const problem = problemOf(() => checkProviderSettings(settings, model));
  return { model, provider, via: provider === 'openai' ? 'responses' : 'ai-sdk', key: settings.keyState, ...problem };
}

function problemOf(check: () => unknown): { problem?: string } {
  try {
    check();
    return {};
  } catch (error) {
    return { problem: (error as Failure).message };
  }
}
