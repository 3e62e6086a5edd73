/**
 * `npm run generate:models [version]`: writes `models.json` from the model data of a published package (why that one:
 * docs/decisions/0017-model-data.md). npm fetches it and checks its digest; no code of it runs.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SOURCE = '@earendil-works/pi-ai';
/** By the name of the provider there. Others have no package that Bobbin knows. */
const PROVIDERS: Record<string, string> = {
  'amazon-bedrock': 'bedrock',
  anthropic: 'anthropic',
  azure: 'azure',
  baseten: 'baseten',
  cerebras: 'cerebras',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  google: 'google',
  'google-vertex': 'vertex',
  groq: 'groq',
  mistral: 'mistral',
  moonshotai: 'moonshotai',
  openai: 'openai',
  openrouter: 'openrouter',
  together: 'togetherai',
  'vercel-ai-gateway': 'gateway',
  xai: 'xai',
};

interface Rates {
  input: number;
  output: number;
  cacheRead: number;
}

interface SourceModel {
  id: string;
  provider: string;
  type: string;
  reasoning: boolean;
  input: string[];
  cost: Rates & { tiers?: (Rates & { inputTokensAbove: number })[] };
  contextWindow: number;
  maxTokens: number;
  thinkingLevelMap?: Record<string, string | null>;
}

function toRow(model: SourceModel): unknown[] {
  const { id, provider, input, contextWindow, maxTokens } = model;
  // OpenAI counts the answer apart from the request in these windows.
  const window = contextWindow === 400_000 && maxTokens === 128_000 ? 272_000 : contextWindow;
  const name = `${PROVIDERS[provider]}/${id}`;
  return [name, window, input.includes('image') ? 1 : 0, toEfforts(model).join(' '), ...toPrices(model)];
}

/** Levels up to `high` are known unless they are excluded, those above only if they are named. */
function toEfforts({ reasoning, thinkingLevelMap: named = {} }: SourceModel): string[] {
  if (!reasoning) return [];
  const usual = ['off', 'minimal', 'low', 'medium', 'high'].filter((level) => named[level] !== null);
  const more = ['xhigh', 'max'].filter((level) => typeof named[level] === 'string');
  return [...usual, ...more].map((level) => (level === 'off' ? 'none' : level));
}

/** Nothing if the price is not known: only the free models of a marketplace cost nothing. */
function toPrices({ id, cost }: SourceModel): number[] {
  if (cost.input === 0 && cost.output === 0 && !id.endsWith(':free')) return [];
  // The newest models have one step of prices; of more steps, the first is the one that most requests can reach.
  const [long] = cost.tiers ?? [];
  return [...ratesOf(cost), ...(long === undefined ? [] : [long.inputTokensAbove, ...ratesOf(long)])];
}

/** Without a price for cached input, it costs what other input does. */
function ratesOf({ input, output, cacheRead }: Rates): number[] {
  return [input, cacheRead === 0 ? input : cacheRead, output].map((price) => Number(price.toFixed(6)));
}

function readSource(folder: string): SourceModel[] {
  const data = join(folder, 'package/dist/providers/data');
  return readdirSync(data)
    .filter((file) => file.slice(0, -'.json'.length) in PROVIDERS)
    .flatMap((file) => {
      const groups = JSON.parse(readFileSync(join(data, file), 'utf8')) as Record<string, Record<string, SourceModel>>;
      return Object.values(groups).flatMap((models) => Object.values(models));
    })
    .filter(({ type, id }) => type === 'chat' && id.length <= 200);
}

const version = process.argv[2] ?? '1.6.0';
const folder = mkdtempSync(join(tmpdir(), 'bobbin-models-'));
try {
  const packed = execFileSync('npm', ['pack', '--silent', `${SOURCE}@${version}`], { cwd: folder, encoding: 'utf8' });
  execFileSync('tar', ['-xzf', packed.trim()], { cwd: folder });
  const rows = readSource(folder)
    .map((model) => JSON.stringify(toRow(model)))
    .sort();
  const head = `"source":"${SOURCE}@${version}","licence":"MIT"`;
  const file = join(import.meta.dirname, 'models.json');
  writeFileSync(file, `{${head},"models":[\n${[...new Set(rows)].join(',\n')}\n]}\n`);
  process.stdout.write(`${rows.length} models of ${SOURCE}@${version}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
