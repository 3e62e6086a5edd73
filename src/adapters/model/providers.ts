/** What is set of a provider: in the environment, and in the operator's `models.json`. */
import { Failure } from '../../../activities/failures.ts';
import type { OwnProvider } from './own-models.ts';
import { isProviderName, PROVIDER_NAMES, providerOf } from './provider-table.ts';
import type { ProviderName } from './provider-table.ts';
import { type Environment, readVariable } from '../../folders/variables.ts';

export type OwnProviders = Readonly<Record<string, OwnProvider>>;

/** Splits `provider/model`; the model may contain slashes. A bare name belongs to `defaultProvider`. */
export function splitModel(model: string, defaultProvider: string): { provider: string; name: string } {
  const slash = model.indexOf('/');
  if (slash < 0) return { provider: defaultProvider, name: model };
  return { provider: model.slice(0, slash), name: model.slice(slash + 1) };
}

export interface ProviderSettings {
  /** As in the names of models. */
  provider: string;
  /** Whose package and wire format it has. */
  type: ProviderName;
  keyName: string;
  baseUrlName: string;
  /** Undefined if the provider has no default and none is set. */
  baseUrl: string | undefined;
  hasOwnUrl: boolean;
  key: string | undefined;
  keyState: 'set' | 'missing' | 'not needed';
  /** More members for the factory of the package. */
  factorySettings: Readonly<Record<string, unknown>>;
  /** `providerOptions` of every request. */
  options: NonNullable<OwnProvider['options']>;
}

/** The provider whose package and wire format a provider has; undefined for an unknown one. */
export function typeOfProvider(name: string, own: OwnProviders = {}): ProviderName | undefined {
  const type = (Object.hasOwn(own, name) ? own[name]?.type : undefined) ?? name;
  return isProviderName(type) ? type : undefined;
}

/** Throws `modelNotFound` for an unknown provider. */
export function readProviderSettings(
  env: Environment,
  { provider, model }: { provider: string; model: string },
  own: OwnProviders = {},
): ProviderSettings {
  const type = typeOfProvider(provider, own);
  if (type === undefined) throw unknownProvider(model, own);
  const table = providerOf(type);
  const { baseUrl: writtenUrl, keyName, settings = {}, options = {} } = own[provider] ?? {};
  // A key of a provider is never sent to an address that only the name of another entry has.
  const isForeign = provider !== type && writtenUrl !== undefined;
  const keyNames: readonly string[] = keyName !== undefined ? [keyName] : isForeign ? [] : table.keyNames;
  const ownUrl = writtenUrl ?? readVariable(env, table.baseUrlName);
  const key = keyNames[0] === undefined ? undefined : readVariable(env, keyNames[0]);
  const isSet = keyNames.some((name) => readVariable(env, name) !== undefined);
  const need = keyNames.length === 0 ? 'never' : keyName !== undefined ? 'always' : table.key;
  const isNeeded = ownUrl === undefined ? need !== 'never' : need === 'always' && !isGateway(env, provider);
  return {
    provider,
    type,
    keyName: keyNames[0] ?? 'keyName',
    baseUrlName: table.baseUrlName,
    baseUrl: ownUrl ?? table.defaultBaseUrl,
    hasOwnUrl: ownUrl !== undefined,
    key,
    keyState: isSet ? 'set' : isNeeded ? 'missing' : 'not needed',
    factorySettings: { ...(isForeign ? {} : readVariables(env, table.variables)), ...settings },
    options,
  };
}

function readVariables(env: Environment, variables: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([setting, variable]) => {
      const value = readVariable(env, variable);
      return value === undefined ? [] : [[setting, value]];
    }),
  );
}

/**
 * Whether the endpoint of a provider gets the agent assertion. Anthropic, Google and the others have no use for it and
 * should not see it; a gateway in front of them that checks it is named by `BOBBIN_ASSERTION_GATEWAY`. Throws
 * `modelBadRequest` if that names a provider whose address is not that of a gateway.
 */
export function takesAssertion(env: Environment, settings: ProviderSettings, model: string): boolean {
  const { provider, type, baseUrlName, hasOwnUrl } = settings;
  if (type === 'openai' || type === 'openai-compatible') return true;
  if (!isGateway(env, provider)) return false;
  if (hasOwnUrl) return true;
  throw new Failure(
    'modelBadRequest',
    `BOBBIN_ASSERTION_GATEWAY names ${provider}, and ${baseUrlName} is not set: an assertion is sent to a gateway, never to the provider itself. Set ${baseUrlName} to the address of the gateway.`,
    { details: { model, provider, variable: baseUrlName } },
  );
}

function isGateway(env: Environment, provider: string): boolean {
  return (readVariable(env, 'BOBBIN_ASSERTION_GATEWAY') ?? '').split(/\s*,\s*/).includes(provider);
}

/** Throws `modelUnauthorized` for a missing key and `modelBadRequest` for a missing address, naming the variable. */
export function checkProviderSettings(settings: ProviderSettings, model: string): void {
  const { provider, type, keyName, baseUrlName, baseUrl, keyState } = settings;
  const details = { model, provider };
  if (keyState === 'missing') {
    throw new Failure(
      'modelUnauthorized',
      `Model ${model} needs a key, and ${keyName} is not set. Set ${keyName} for the worker and start it again, or name another model.`,
      { details: { ...details, variable: keyName } },
    );
  }
  if (baseUrl === undefined && type !== 'openai-compatible') return;
  if (baseUrl === undefined || !URL.canParse(baseUrl) || !/^https?:/.test(baseUrl)) {
    const what = baseUrl === undefined ? 'is not set' : 'is no http or https URL';
    throw new Failure(
      'modelBadRequest',
      `Model ${model} needs the address of its endpoint, and ${baseUrlName} ${what}. Set it to the base URL, for example http://127.0.0.1:8000/v1.`,
      { details: { ...details, variable: baseUrlName } },
    );
  }
}

function unknownProvider(model: string, own: OwnProviders): Failure {
  const known = [...Object.keys(own), ...PROVIDER_NAMES].join(', ');
  return new Failure(
    'modelNotFound',
    `Model ${model} names no provider that is known here. Write <provider>/<model>, with one of ${known}; models.json can name more (docs/models.md).`,
    { details: { model } },
  );
}
