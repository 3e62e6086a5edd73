/** The providers, and the variables with their keys and addresses. */
import { Failure } from '../../../activities/failures.ts';

/** Read at each call, so that a new key needs no restart. */
export type Environment = Readonly<Record<string, string | undefined>>;

export type ProviderName = 'openai' | 'anthropic' | 'google' | 'openai-compatible';

interface Provider {
  keyName: string;
  baseUrlName: string;
  defaultBaseUrl?: string;
  /** Whether a key is needed at the default address, and at another one. */
  key: 'always' | 'atDefaultUrl' | 'never';
}

const PROVIDERS: Record<ProviderName, Provider> = {
  openai: {
    keyName: 'OPENAI_API_KEY',
    baseUrlName: 'OPENAI_BASE_URL',
    defaultBaseUrl: 'https://api.openai.com/v1',
    // Most local servers with the same wire format need none.
    key: 'atDefaultUrl',
  },
  anthropic: {
    keyName: 'ANTHROPIC_API_KEY',
    baseUrlName: 'ANTHROPIC_BASE_URL',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    key: 'always',
  },
  google: {
    keyName: 'GOOGLE_GENERATIVE_AI_API_KEY',
    baseUrlName: 'GOOGLE_GENERATIVE_AI_BASE_URL',
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    key: 'always',
  },
  'openai-compatible': { keyName: 'BOBBIN_MODEL_API_KEY', baseUrlName: 'BOBBIN_MODEL_BASE_URL', key: 'never' },
};

/** The name of the offline model server among the providers. */
export const OFFLINE = 'offline';

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as ProviderName[];

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(PROVIDERS, name);
}

/** Splits `provider/model`; the model may contain slashes. A bare name belongs to `defaultProvider`. */
export function splitModel(model: string, defaultProvider: string): { provider: string; name: string } {
  const slash = model.indexOf('/');
  if (slash < 0) return { provider: defaultProvider, name: model };
  return { provider: model.slice(0, slash), name: model.slice(slash + 1) };
}

export interface ProviderSettings {
  provider: ProviderName;
  keyName: string;
  baseUrlName: string;
  /** Undefined if the provider has no default and none is set. */
  baseUrl: string | undefined;
  key: string | undefined;
  keyState: 'set' | 'missing' | 'not needed';
}

export function readProviderSettings(env: Environment, provider: ProviderName): ProviderSettings {
  const { keyName, baseUrlName, defaultBaseUrl, key: need } = PROVIDERS[provider];
  const ownUrl = readVariable(env, baseUrlName);
  const key = readVariable(env, keyName);
  const isNeeded = ownUrl === undefined ? need !== 'never' : need === 'always' && !isGateway(env, provider);
  const keyState = key !== undefined ? 'set' : isNeeded ? 'missing' : 'not needed';
  return { provider, keyName, baseUrlName, baseUrl: ownUrl ?? defaultBaseUrl, key, keyState };
}

/**
 * Whether the endpoint of a provider gets the agent assertion. Anthropic and Google have no use for it and should not see
 * it; a gateway in front of them that checks it is named by `BOBBIN_ASSERTION_GATEWAY`. Throws `modelBadRequest` if that
 * names a provider whose address is not that of a gateway.
 */
export function takesAssertion(env: Environment, settings: ProviderSettings, model: string): boolean {
  const { provider, baseUrlName } = settings;
  if (provider === 'openai' || provider === 'openai-compatible') return true;
  if (!isGateway(env, provider)) return false;
  if (readVariable(env, baseUrlName) !== undefined) return true;
  throw new Failure(
    'modelBadRequest',
    `BOBBIN_ASSERTION_GATEWAY names ${provider}, and ${baseUrlName} is not set: an assertion is sent to a gateway, never to the provider itself. Set ${baseUrlName} to the address of the gateway.`,
    { details: { model, provider, variable: baseUrlName } },
  );
}

function isGateway(env: Environment, provider: ProviderName): boolean {
  return (readVariable(env, 'BOBBIN_ASSERTION_GATEWAY') ?? '').split(/\s*,\s*/).includes(provider);
}

/** Throws `modelUnauthorized` for a missing key and `modelBadRequest` for a missing address, naming the variable. */
export function checkProviderSettings(
  settings: ProviderSettings,
  model: string,
): asserts settings is ProviderSettings & { baseUrl: string } {
  const { provider, keyName, baseUrlName, baseUrl, keyState } = settings;
  const details = { model, provider };
  if (keyState === 'missing') {
    throw new Failure(
      'modelUnauthorized',
      `Model ${model} needs a key, and ${keyName} is not set. Set ${keyName} for the worker and start it again, or name another model.`,
      { details: { ...details, variable: keyName } },
    );
  }
  if (baseUrl === undefined || !URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) {
    const what = baseUrl === undefined ? 'is not set' : 'is no http or https URL';
    throw new Failure(
      'modelBadRequest',
      `Model ${model} needs the address of its endpoint, and ${baseUrlName} ${what}. Set it to the base URL, for example http://127.0.0.1:8000/v1.`,
      { details: { ...details, variable: baseUrlName } },
    );
  }
}

export function readVariable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
