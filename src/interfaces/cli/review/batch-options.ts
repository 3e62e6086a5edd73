/** The options that a batch and a schedule of batches share: what to review, and how. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { BatchTarget, Limits, StartBatch } from '../../../contract/index.ts';
import { toLimits } from '../thread/budget-options.ts';

export interface BatchOptions {
  /** In the order of the command line, each with the branch, base and host that follow it. */
  repository?: BatchTarget[];
  targets?: string;
  concurrency?: number;
  perMinute?: number;
  reviewBudgetTokens?: string;
  reviewBudgetUsd?: string;
  reviewBudgetSteps?: string;
  reviewBudgetSeconds?: string;
  batchBudgetTokens?: string;
  batchBudgetUsd?: string;
  batchBudgetSteps?: string;
  batchBudgetSeconds?: string;
  model?: string;
  instructions?: string;
  fullPassEvery?: number;
}

export function addBatchOptions(command: Command): Command {
  addTargetOptions(command)
    .option('--targets <file>', 'JSON file with a list of targets, or with a whole batch; - for standard input')
    .option('--concurrency <n>', 'number of reviews in parallel (default: 4)', toCount)
    .option('--per-minute <n>', 'maximum number of reviews that start in a minute', toCount);
  for (const [name, of] of [
    ['review', 'each review'],
    ['batch', 'the whole batch; the remaining targets are reported as not reviewed'],
  ] as const) {
    command
      .option(`--${name}-budget-tokens <n>`, `tokens of ${of}`)
      .option(`--${name}-budget-usd <n>`, 'the same, in dollars')
      .option(`--${name}-budget-steps <n>`, 'the same, in model calls')
      .option(`--${name}-budget-seconds <n>`, 'the same, in seconds');
  }
  return command
    .option('--model <name>', 'model, or provider/model, for the reviews')
    .option('--instructions <text>', 'what the reviews should look for, in addition to the default')
    .option('--full-pass-every <n>', 'review everything in every nth run; 1: in each, 0: never (default: 10)', toCount);
}

/** `--branch`, `--base` and `--host` belong to the repository before them. */
function addTargetOptions(command: Command): Command {
  const targets: BatchTarget[] = [];
  const ofNewest = (member: 'branch' | 'base' | 'host') => (value: string) => {
    const newest = targets.at(-1);
    if (newest === undefined) throw new InvalidArgumentError('It must follow the --repository that it belongs to.');
    newest[member] = value;
    return value;
  };
  return command
    .addOption(
      new Option('--repository <where>', 'path or URL of a repository; can be repeated').argParser((value: string) => {
        targets.push({ repository: toRepository(value, process.cwd()) });
        return targets;
      }),
    )
    .addOption(new Option('--branch <name>', 'branch of that repository').argParser(ofNewest('branch')))
    .addOption(new Option('--base <name>', 'review only the changes since this branch').argParser(ofNewest('base')))
    .addOption(
      new Option('--host <host>', 'host that has or fetches that repository (default: one that can)').argParser(
        ofNewest('host'),
      ),
    );
}

/** A path is resolved against the working directory; a URL, or `host:path`, stays as it is. */
function toRepository(where: string, folder: string): string {
  return /^[^/\s]*:/.test(where) ? where : resolve(folder, where);
}

function toCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('Expected a whole number.');
}

/** The batch of a command line. Its options take precedence over the file. */
export async function toBatch(options: BatchOptions): Promise<StartBatch> {
  const batch = await toBatchChanges(options);
  if (batch.targets === undefined)
    throw new BobbinError('invalid', 'Nothing to review: use --repository or --targets FILE');
  const [{ StartBatchSchema }, { describeZod }] = await Promise.all([
    import('../../../contract/index.ts'),
    import('../../../client/zod-words.ts'),
  ]);
  const parsed = StartBatchSchema.safeParse(batch);
  if (parsed.success) return parsed.data;
  throw new BobbinError('invalid', describeZod(parsed.error), parsed.error);
}

/** Only the given options, for an existing batch. Given targets replace all existing ones. Not validated yet. */
export async function toBatchChanges(options: BatchOptions): Promise<Partial<StartBatch>> {
  const file = options.targets === undefined ? {} : await readTargets(options.targets);
  const { targets: listed = [], ...rest } = file;
  const targets = [...listed, ...(options.repository ?? [])];
  const review = limitsOf('review', options);
  const batch = limitsOf('batch', options);
  return {
    ...rest,
    ...(targets.length === 0 ? {} : { targets }),
    ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
    ...(options.perMinute === undefined ? {} : { reviewsPerMinute: options.perMinute }),
    ...(review === undefined && batch === undefined
      ? {}
      : {
          budget: {
            ...rest.budget,
            ...(review === undefined ? {} : { review }),
            ...(batch === undefined ? {} : { batch }),
          },
        }),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.instructions === undefined ? {} : { instructions: options.instructions }),
    ...(options.fullPassEvery === undefined ? {} : { fullPassEvery: options.fullPassEvery }),
  };
}

function limitsOf(name: 'review' | 'batch', options: BatchOptions): Limits | undefined {
  const limits = toLimits(`--${name}-budget`, {
    tokens: options[`${name}BudgetTokens`],
    usd: options[`${name}BudgetUsd`],
    steps: options[`${name}BudgetSteps`],
    seconds: options[`${name}BudgetSeconds`],
  });
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** Paths in the file are relative to its folder. A target may be a bare path or URL. */
async function readTargets(file: string): Promise<Partial<StartBatch>> {
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  const content = parseJson(file, await readText(file));
  const batch = (Array.isArray(content) ? { targets: content as unknown[] } : content) as { targets?: unknown };
  if (typeof batch !== 'object' || (batch as unknown) === null || !Array.isArray(batch.targets))
    throw new BobbinError('invalid', `--targets ${file}: expected a list of targets, or an object with \`targets\``);
  return { ...batch, targets: batch.targets.map((target: unknown) => toTarget(target, folder)) };
}

/** Leaves other values as they are, so that the schema reports them. */
function toTarget(target: unknown, folder: string): BatchTarget {
  const object = typeof target === 'string' ? { repository: target } : (target as BatchTarget | null);
  return typeof object?.repository === 'string'
    ? { ...object, repository: toRepository(object.repository, folder) }
    : (object as BatchTarget);
}

async function readText(file: string): Promise<string> {
  try {
    return file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError('invalid', `--targets ${file} cannot be read: ${reason}`, error);
  }
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BobbinError('invalid', `--targets ${file} is not JSON: ${reason}`, error);
  }
}
