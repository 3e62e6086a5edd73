/** Makes the model of a provider from its AI SDK package. Packages are loaded by name, and nothing of them before. */
import type { LanguageModel, streamText } from 'ai';
import { Failure } from '../../../../activities/failures.ts';
import { loadInstalled, toInstallCommand } from '../installed-package.ts';
import { providerOf } from '../provider-table.ts';
import type { Provider, ProviderName } from '../provider-table.ts';
import type { ProviderSettings } from '../providers.ts';

export type ProviderOptions = NonNullable<Parameters<typeof streamText>[0]['providerOptions']>;

interface Wanted {
  /** The model without its provider. */
  name: string;
  settings: ProviderSettings;
  /** Whole `Authorization` value instead of the key's. */
  bearer: string | undefined;
}

type Factory = (settings: Record<string, unknown>) => (name: string) => LanguageModel;

/** The packages that come with Bobbin. The build has to see their names here. */
const INCLUDED: Partial<Record<ProviderName, () => Promise<object>>> = {
  openai: () => import('@ai-sdk/openai'),
  anthropic: () => import('@ai-sdk/anthropic'),
  google: () => import('@ai-sdk/google'),
  'openai-compatible': () => import('@ai-sdk/openai-compatible'),
};

export async function loadProviderModel(
  { name, settings, bearer }: Wanted,
  boundedFetch: typeof fetch,
  packageRoot?: string,
): Promise<LanguageModel> {
  const factory = await loadFactory(settings, packageRoot);
  const { type, key, baseUrl, factorySettings } = settings;
  const usesName = type === 'openai-compatible' ? { name: 'openaiCompatible', includeUsage: true } : {};
  // Without a key, a package with another way to sign in would take an empty one for one.
  const hasOtherWay = providerOf(type).keyNames.length > 1;
  const apiKey = key !== undefined || !hasOtherWay ? { apiKey: key ?? '' } : {};
  return factory({
    ...usesName,
    ...factorySettings,
    ...apiKey,
    ...(baseUrl === undefined ? {} : { baseURL: baseUrl }),
    headers: bearer === undefined ? {} : { Authorization: bearer },
    fetch: boundedFetch,
  })(name);
}

async function loadFactory({ provider, type }: ProviderSettings, packageRoot?: string): Promise<Factory> {
  const table = providerOf(type);
  const module = await loadPackage(provider, type, packageRoot);
  const factory = (module as Record<string, unknown>)[table.factory];
  if (typeof factory === 'function') return factory as Factory;
  throw new Failure(
    'providerNotInstalled',
    `The installed package ${nameOf(table)} has no ${table.factory}: it is of another version. ${toInstall(table)}`,
    { details: { provider } },
  );
}

async function loadPackage(provider: string, type: ProviderName, packageRoot?: string): Promise<object> {
  const table = providerOf(type);
  const found = await (INCLUDED[type]?.() ?? loadInstalled(nameOf(table), packageRoot));
  if (found !== undefined) return found;
  throw notInstalled(provider, table);
}

export function notInstalled(provider: string, table: Provider): Failure {
  return new Failure(
    'providerNotInstalled',
    `Provider ${provider} needs the package ${nameOf(table)}, which is not installed with Bobbin. ${toInstall(table)}`,
    { details: { provider, package: nameOf(table) } },
  );
}

function toInstall(table: Provider): string {
  return `Install it and start the worker again: ${toInstallCommand(table.package)}`;
}

/** Without its version. */
export function nameOf({ package: name }: Provider): string {
  return name.slice(0, name.lastIndexOf('@'));
}
