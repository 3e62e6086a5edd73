/** The model port for all models. The name of a model selects its endpoint. */
import { Failure } from '../../../activities/failures.ts';
import type { ModelPort, ModelRequest } from '../../../activities/ports.ts';
import { createAiSdkModel } from './ai-sdk/ai-sdk.ts';
import { nameOf, notInstalled } from './ai-sdk/load-provider.ts';
import { withUsage } from './estimated-usage.ts';
import { readableBy } from './foreign-compaction.ts';
import { takesFreeform } from './freeform.ts';
import { isInstalled } from './installed-package.ts';
import { readOwnModels } from './own-models.ts';
import { OFFLINE, providerOf } from './provider-table.ts';
import { checkProviderSettings, readProviderSettings, splitModel, typeOfProvider } from './providers.ts';
import type { OwnProviders, ProviderSettings } from './providers.ts';
import { type Environment, readVariable } from '../../folders/variables.ts';
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
  /** Of the operator. */
  providers?: OwnProviders;
  /** The efforts that a model takes; undefined if they are not known. */
  effortsOf?: (model: string) => readonly string[] | undefined;
  /** The folder that Bobbin is installed in, for packages of providers. By default that of this module. */
  packageRoot?: string;
  idleTimeoutMs?: number;
  connectTimeoutMs?: number;
}

/**
 * Routes by `request.model`:
 * - `openai/<model>`: the Responses API at `OPENAI_BASE_URL`, with `OPENAI_API_KEY`
 * - `offline/<model>`: the offline model server, which speaks the same wire
 * - other providers, such as `anthropic/<model>`: the AI SDK, with the package of the provider
 * - those of the operator: like the provider that is their type
 *
 * A missing key is `modelUnauthorized` with the name of its variable, before anything is sent. If the request carries an
 * assertion, OpenAI and compatible endpoints need no key.
 */
export function createModels(config: ModelsConfig): ModelPort {
  const { env, offlineUrl, defaultProvider = 'openai', providers = {}, effortsOf, packageRoot, ...timeouts } = config;
  const installed = packageRoot === undefined ? {} : { packageRoot };
  const aiSdk = createAiSdkModel(env, { ...timeouts, ...installed }, providers);
  /** Null for a provider without the Responses wire format. */
  const responsesModelOf = (request: ModelRequest, provider: string, name: string): ResponsesModel | null => {
    const options = { ...timeouts, freeform: takesFreeform(env, provider, name, providers) };
    if (provider === OFFLINE) {
      return createResponsesModel({ baseUrl: toOfflineBaseUrl(offlineUrl, request.model), ...options });
    }
    const settings = readProviderSettings(env, { provider, model: request.model }, providers);
    return settings.type === 'openai' ? createOpenAi(settings, request, options) : null;
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
      const note = effortNote(given, effortsOf?.(given.model));
      const toAnswer = () =>
        responses?.respond(request, io) ?? aiSdk.respond({ ...request, model: `${provider}/${request.model}` }, io);
      const reported = await toAnswer().catch((error: unknown) => {
        throw withNote(error, note);
      });
      const answer = withUsage(given, reported);
      const unused = responses === null ? unusedOptions(given, typeOfProvider(provider, providers)) : [];
      const warnings = [...(answer.warnings ?? []), ...unused, ...(note === undefined ? [] : [note])];
      return warnings.length === 0 ? answer : { ...answer, warnings };
    },
    async compact(given, io) {
      const { provider, responses, request } = routed(given);
      const compacted = (await responses?.compact(request, io)) ?? null;
      return compacted === null ? null : { provider, ...compacted };
    },
  };
}

/** An effort is sent as it is, because the endpoint knows better than any table. What is known of it goes with the answer. */
function effortNote({ model, options = {} }: ModelRequest, known: readonly string[] | undefined): string | undefined {
  const { effort } = options;
  if (known === undefined || effort === undefined || effort === 'default' || known.includes(effort)) return undefined;
  const efforts = known.length === 0 ? 'no effort' : `the efforts ${known.join(', ')}`;
  return `Model ${model} is known to take ${efforts}, and was asked for ${effort}.`;
}

function withNote(error: unknown, note: string | undefined): unknown {
  if (note === undefined || !(error instanceof Failure) || error.code !== 'modelBadRequest') return error;
  return new Failure(error.code, `${error.message} ${note}`, { details: error.details });
}

/** Only the Responses wire format has them. */
function unusedOptions({ model, options = {} }: ModelRequest, type: string | undefined): string[] {
  const names = (['summary', 'verbosity', 'serviceTier'] as const).filter(
    (name) => options[name] !== undefined && options[name] !== 'default',
  );
  const search = options.webSearch ?? 'off';
  const isUnused = search !== 'off' && !(search === 'live' && type === 'anthropic');
  return [...names, ...(isUnused ? ['webSearch'] : [])].map(
    (name) => `The setting ${name} has no effect on model ${model}.`,
  );
}

function createOpenAi(
  settings: ProviderSettings,
  request: ModelRequest,
  others: Pick<ResponsesModelOptions, 'idleTimeoutMs' | 'connectTimeoutMs' | 'freeform'>,
): ResponsesModel {
  const isSigned = request.authorization !== undefined;
  checkProviderSettings(isSigned ? { ...settings, keyState: 'not needed' } : settings, request.model);
  const { baseUrl = '', keyName, key, options } = settings;
  return createResponsesModel({ baseUrl, keyName, apiKey: () => key, members: options['openai'] ?? {}, ...others });
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
  const found = settingsOf(env, { provider, model });
  if (typeof found === 'string') return { model, provider, via: 'ai-sdk', key: 'missing', problem: found };
  const table = providerOf(found.type);
  const problem = problemOf(() => {
    checkProviderSettings(found, model);
    if (table.included !== true && !isInstalled(nameOf(table))) throw notInstalled(provider, table);
  });
  return { model, provider, via: found.type === 'openai' ? 'responses' : 'ai-sdk', key: found.keyState, ...problem };
}

/** Or why there are none. */
function settingsOf(env: Environment, named: { provider: string; model: string }): ProviderSettings | string {
  try {
    return readProviderSettings(env, named, readOwnModels(env).providers);
  } catch (error) {
    return (error as Error).message;
  }
}

function problemOf(check: () => unknown): { problem?: string } {
  try {
    check();
    return {};
  } catch (error) {
    return { problem: (error as Failure).message };
  }
}
