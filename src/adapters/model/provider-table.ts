/** The providers that are known by name: their packages, and the variables with their keys and addresses. */

export interface Provider {
  /** An AI SDK provider package, with the major version that it was tested with. */
  package: string;
  /** The export of the package that makes the provider. */
  factory: string;
  /** Comes with Bobbin. Others are loaded if they are installed. */
  included?: true;
  /** The variable with the key; then others that stand for one. */
  keyNames: readonly [string, ...string[]];
  baseUrlName: string;
  /** Undefined if the package computes it, or if there is none. */
  defaultBaseUrl?: string;
  /** Whether a key is needed at the default address, and at another one. */
  key: 'always' | 'atDefaultUrl' | 'never';
  /** More settings of the factory, by their variables. */
  variables?: Readonly<Record<string, string>>;
}

/** Only those whose packages take tools and their results: `npm run test:providers` checks each. */
const PROVIDERS = {
  openai: {
    package: '@ai-sdk/openai@4',
    factory: 'createOpenAI',
    included: true,
    keyNames: ['OPENAI_API_KEY'],
    baseUrlName: 'OPENAI_BASE_URL',
    defaultBaseUrl: 'https://api.openai.com/v1',
    // Most local servers with the same wire format need none.
    key: 'atDefaultUrl',
  },
  anthropic: {
    package: '@ai-sdk/anthropic@4',
    factory: 'createAnthropic',
    included: true,
    keyNames: ['ANTHROPIC_API_KEY'],
    baseUrlName: 'ANTHROPIC_BASE_URL',
    defaultBaseUrl: 'https://api.anthropic.com/v1',
    key: 'always',
  },
  google: {
    package: '@ai-sdk/google@4',
    factory: 'createGoogleGenerativeAI',
    included: true,
    keyNames: ['GOOGLE_GENERATIVE_AI_API_KEY'],
    baseUrlName: 'GOOGLE_GENERATIVE_AI_BASE_URL',
    defaultBaseUrl: 'https://generativelanguage.googleapis.com/v1beta',
    key: 'always',
  },
  'openai-compatible': {
    package: '@ai-sdk/openai-compatible@3',
    factory: 'createOpenAICompatible',
    included: true,
    keyNames: ['BOBBIN_MODEL_API_KEY'],
    baseUrlName: 'BOBBIN_MODEL_BASE_URL',
    key: 'never',
  },
  azure: {
    package: '@ai-sdk/azure@4',
    factory: 'createAzure',
    keyNames: ['AZURE_API_KEY'],
    baseUrlName: 'AZURE_BASE_URL',
    key: 'always',
    variables: { resourceName: 'AZURE_RESOURCE_NAME' },
  },
  bedrock: {
    package: '@ai-sdk/amazon-bedrock@5',
    factory: 'createAmazonBedrock',
    keyNames: ['AWS_BEARER_TOKEN_BEDROCK', 'AWS_ACCESS_KEY_ID'],
    baseUrlName: 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
    key: 'always',
    variables: {
      region: 'AWS_REGION',
      accessKeyId: 'AWS_ACCESS_KEY_ID',
      secretAccessKey: 'AWS_SECRET_ACCESS_KEY',
      sessionToken: 'AWS_SESSION_TOKEN',
    },
  },
  vertex: {
    package: '@ai-sdk/google-vertex@5',
    factory: 'createGoogleVertex',
    // Without a key it uses the credentials that Google's tools have stored, for a project.
    keyNames: ['GOOGLE_VERTEX_API_KEY', 'GOOGLE_VERTEX_PROJECT'],
    baseUrlName: 'GOOGLE_VERTEX_BASE_URL',
    key: 'always',
    variables: { project: 'GOOGLE_VERTEX_PROJECT', location: 'GOOGLE_VERTEX_LOCATION' },
  },
  alibaba: installed('@ai-sdk/alibaba@2', 'createAlibaba', 'ALIBABA'),
  baseten: installed('@ai-sdk/baseten@2', 'createBaseten', 'BASETEN'),
  cerebras: installed('@ai-sdk/cerebras@3', 'createCerebras', 'CEREBRAS'),
  cohere: installed('@ai-sdk/cohere@4', 'createCohere', 'COHERE'),
  deepinfra: installed('@ai-sdk/deepinfra@3', 'createDeepInfra', 'DEEPINFRA'),
  deepseek: installed('@ai-sdk/deepseek@3', 'createDeepSeek', 'DEEPSEEK'),
  fireworks: installed('@ai-sdk/fireworks@3', 'createFireworks', 'FIREWORKS'),
  gateway: installed('@ai-sdk/gateway@4', 'createGateway', 'AI_GATEWAY'),
  groq: installed('@ai-sdk/groq@4', 'createGroq', 'GROQ'),
  mistral: installed('@ai-sdk/mistral@4', 'createMistral', 'MISTRAL'),
  moonshotai: installed('@ai-sdk/moonshotai@3', 'createMoonshotAI', 'MOONSHOT'),
  openrouter: installed('@openrouter/ai-sdk-provider@3', 'createOpenRouter', 'OPENROUTER'),
  togetherai: installed('@ai-sdk/togetherai@3', 'createTogetherAI', 'TOGETHER'),
  xai: installed('@ai-sdk/xai@5', 'createXai', 'XAI'),
} as const satisfies Record<string, Provider>;

/** One with a key and an address that its package knows. */
function installed(name: string, factory: string, prefix: string): Provider {
  const keyNames = [`${prefix}_API_KEY`] as const;
  return { package: name, factory, keyNames, baseUrlName: `${prefix}_BASE_URL`, key: 'atDefaultUrl' };
}

export type ProviderName = keyof typeof PROVIDERS;

export const PROVIDER_NAMES = Object.keys(PROVIDERS) as [ProviderName, ...ProviderName[]];

/** The name of the offline model server among the providers. */
export const OFFLINE = 'offline';

export function isProviderName(name: string): name is ProviderName {
  return Object.hasOwn(PROVIDERS, name);
}

export function providerOf(name: ProviderName): Provider {
  return PROVIDERS[name];
}

/** Why an entry of the operator's cannot have this name and type; undefined if it can. */
export function problemOfName(name: string, type: ProviderName | undefined): string | undefined {
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) return 'a name in lower case, without slashes, is needed';
  if (name === OFFLINE) return 'this name belongs to the offline model server';
  if (isProviderName(name)) return type === undefined || type === name ? undefined : `this name belongs to ${name}`;
  return type === undefined ? 'a type is needed, because no provider has this name' : undefined;
}
