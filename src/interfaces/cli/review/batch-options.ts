/** What is reviewed and how: the options that a batch and a schedule of batches share. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { BatchTarget, Limits, StartBatch } from '../../../contract/index.ts';
import { toLimits } from '../thread/budget-options.ts';

export interface BatchOptions {
  /** In the order of the command line, each with the branch and base behind it. */
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
    .option('--targets <file>', 'JSON with a list of targets, or with a whole batch; - for standard input')
    .option('--concurrency <n>', 'reviews at a time (default: 4)', toCount)
    .option('--per-minute <n>', 'at most so many reviews begin in a minute', toCount);
  for (const [name, of] of [
    ['review', 'each review'],
    ['batch', 'the batch as a whole; what is left over is reported as not reviewed'],
  ] as const) {
    command
      .option(`--${name}-budget-tokens <n>`, `tokens of ${of}`)
      .option(`--${name}-budget-usd <n>`, 'the same in dollars')
      .option(`--${name}-budget-steps <n>`, 'the same in model calls')
      .option(`--${name}-budget-seconds <n>`, 'the same in time');
  }
  return command
    .option('--model <name>', 'model, or provider/model, of the reviews')
    .option('--instructions <text>', 'what the reviews are to look for, besides what they always do')
    .option(
      '--full-pass-every <n>',
      'look at everything every so many runs; 1 for each, 0 for never (default: 10)',
      toCount,
    );
}

/** `--branch` and `--base` belong to the repository in front of them. */
function addTargetOptions(command: Command): Command {
  const targets: BatchTarget[] = [];
  const ofNewest = (member: 'branch' | 'base') => (value: string) => {
    const newest = targets.at(-1);
    if (newest === undefined) throw new InvalidArgumentError('It goes behind the --repository it belongs to.');
    newest[member] = value;
    return value;
  };
  return command
    .addOption(
      new Option('--repository <where>', 'path or URL of a repository; may be given several times').argParser(
        (value: string) => {
          targets.push({ repository: toRepository(value, process.cwd()) });
          return targets;
        },
      ),
    )
    .addOption(new Option('--branch <name>', 'branch of that repository').argParser(ofNewest('branch')))
    .addOption(new Option('--base <name>', 'review the changes since it, not everything').argParser(ofNewest('base')));
}

/** A path from where we are; a URL, or `host:path`, stays as it is. */
function toRepository(where: string, folder: string): string {
  return /^[^/\s]*:/.test(where) ? where : resolve(folder, where);
}

function toCount(value: string): number {
  const count = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError('A whole number is needed.');
}

/** The batch of a command line. What is typed there goes before what the file says. */
export async function toBatch(options: BatchOptions): Promise<StartBatch> {
  const batch = await toBatchChanges(options);
  if (batch.targets === undefined)
    throw new BobbinError('invalid', 'Nothing to review is named: give --repository, or --targets FILE');
  const [{ StartBatchSchema }, { describeZod }] = await Promise.all([
    import('../../../contract/index.ts'),
    import('../../../client/zod-words.ts'),
  ]);
  const parsed = StartBatchSchema.safeParse(batch);
  if (parsed.success) return parsed.data;
  throw new BobbinError('invalid', describeZod(parsed.error), parsed.error);
}

/** Only what is named, for a batch that is there already. Targets that are named replace all there are. Not yet validated. */
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

/** Paths in the file are seen from its folder. A target may be a bare path or URL. */
async function readTargets(file: string): Promise<Partial<StartBatch>> {
  const folder = file === '-' ? process.cwd() : dirname(resolve(file));
  const content = parseJson(file, await readText(file));
  const batch = (Array.isArray(content) ? { targets: content as unknown[] } : content) as { targets?: unknown };
  if (typeof batch !== 'object' || (batch as unknown) === null || !Array.isArray(batch.targets))
    throw new BobbinError('invalid', `--targets ${file}: a list of targets is needed, or an object with \`targets\``);
  return { ...batch, targets: batch.targets.map((target: unknown) => toTarget(target, folder)) };
}

/** What is no target is left as it is, for the schema to say so. */
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
    throw new BobbinError('invalid', `--targets ${file} is no JSON: ${reason}`, error);
  }
}
