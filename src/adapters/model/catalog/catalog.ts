/** What is known of models: what the person wrote down, then the data of a package (`models.json`). */
import type { ModelOptions } from '../../../../activities/ports.ts';
import type { OwnModel } from '../own-models.ts';
import { splitModel } from '../providers.ts';
import data from './models.json' with { type: 'json' };

export type Effort = Exclude<NonNullable<ModelOptions['effort']>, 'default'>;

/** Dollars per million tokens. */
export interface Rates {
  input: number;
  /** Input from the provider's cache. */
  cachedInput: number;
  output: number;
}

export interface Price extends Rates {
  /** Prices of a whole request whose input has more tokens. */
  long?: Rates & { inputTokens: number };
}

/** Members that are not known are left out. */
export interface ModelFacts {
  /** In tokens. */
  contextWindow?: number;
  /** Whether it takes images. */
  images?: boolean;
  /** Efforts that it takes; none if it does not reason. */
  efforts?: readonly Effort[];
  price?: Price;
}

/** By the name of a model as threads have it. */
export type Catalog = (model: string) => ModelFacts;

/** What the package does not know. */
const BUILT_IN: readonly OwnModel[] = [
  // For trying what a model without eyes gets.
  { model: 'offline/bobbin-blind', images: false },
  // With a small window, to try what happens at its limit.
  { model: 'offline/*-8k', contextWindow: 8_000 },
  {
    model: 'offline/*',
    contextWindow: 272_000,
    // Runs locally, without cost.
    price: { input: 0, cachedInput: 0, output: 0 },
  },
];

const ALIASES: ReadonlyMap<string, string> = new Map([['openai/gpt-5.6', 'openai/gpt-5.6-sol']]);

/** In this order, for a model of an endpoint whose models are not known. */
const MAKERS = ['openai', 'anthropic', 'google', 'mistral', 'xai', 'deepseek'];

/** `...-2026-03-05`, `...-20260305`, `...@20260305` */
const DATE = /[-@](\d{4}-\d{2}-\d{2}|\d{8})$/;

type Row = [model: string, window: number, images: number, efforts: string, ...prices: number[]];

let rows: ReadonlyMap<string, Row> | undefined;

function rowOf(model: string): Row | undefined {
  rows ??= new Map((data.models as unknown as Row[]).map((row) => [row[0], row]));
  const known = ALIASES.get(model) ?? model;
  return rows.get(known) ?? rows.get(known.replace(DATE, ''));
}

/** A name without a provider is a model of OpenAI. `typeOf` names the provider that one of the person's own stands for. */
export function createCatalog(
  own: readonly OwnModel[] = [],
  typeOf: (provider: string) => string = (provider) => provider,
): Catalog {
  const entries = [...own, ...BUILT_IN].map(({ model, ...facts }) => ({ fits: toMatcher(model), facts }));
  return (model) => {
    const { provider, name } = splitModel(model, 'openai');
    const whole = `${provider}/${name}`;
    const written = entries.filter(({ fits }) => fits(whole)).map(({ facts }) => facts);
    return Object.assign({}, lookUp(typeOf(provider), name), ...written.reverse()) as ModelFacts;
  };
}

/** Prices are those of the provider; the rest belongs to the model, whoever serves it. */
function lookUp(provider: string, name: string): ModelFacts {
  const own = rowOf(`${provider}/${name}`);
  if (own !== undefined) return toFacts(own);
  const last = name.slice(name.lastIndexOf('/') + 1);
  for (const elsewhere of [name, ...MAKERS.map((maker) => `${maker}/${last}`)]) {
    const row = rowOf(elsewhere);
    if (row === undefined) continue;
    const { price: _, ...facts } = toFacts(row);
    return facts;
  }
  return {};
}

function toFacts([, contextWindow, images, efforts, ...prices]: Row): ModelFacts {
  const [input, cachedInput, output, inputTokens, ...long] = prices;
  const known = { contextWindow, images: images === 1, efforts: efforts.split(' ').filter(Boolean) as Effort[] };
  if (input === undefined || cachedInput === undefined || output === undefined) return known;
  const price = { input, cachedInput, output };
  if (inputTokens === undefined) return { ...known, price };
  const [longInput = input, longCached = cachedInput, longOutput = output] = long;
  const rates = { input: longInput, cachedInput: longCached, output: longOutput };
  return { ...known, price: { ...price, long: { inputTokens, ...rates } } };
}

/** A `*` stands for any characters. */
function toMatcher(pattern: string): (model: string) => boolean {
  const words = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${words.join('.*')}$`);
  return (model) => expression.test(model);
}
