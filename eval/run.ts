/** `npm run eval`: lets a model do the tasks and the review set, and says how well it did. See docs/evaluation.md. */
import { writePrivateFile } from '../src/folders/private-file.ts';
import { join } from 'node:path';
import { describeModelChoice } from '../src/adapters/model/models.ts';
import { interruptSignal } from '../src/interfaces/cli/command.ts';
import { createCheckRunner, requireSandbox } from './check/runner.ts';
import type { Environment } from './environment.ts';
import { type Leftover, evaluate } from './evaluate.ts';
import { type Options, USAGE, UsageError, readOptions } from './options.ts';
import { toCases } from './cases.ts';
import { type Keeper, type Result, type RunRecord, NOTHING_SPENT, keepIn, makeAgain } from './record.ts';
import { createRedaction } from './redact.ts';
import { oneLine, toMarkdown, toText } from './report/table.ts';
import { summarise } from './report/totals.ts';
import { REVIEWS } from './reviews/list.ts';
import { type RunFolder, findRun, newRunName, openRunFolder, removeWork, runsRoot } from './run-folder.ts';
import { runCase } from './run-case.ts';
import { openOwnStack, takenSettings, toStackEnvironment } from './stack.ts';
import { TASKS } from './tasks/index.ts';

const EXIT = { ok: 0, notPassed: 1, usage: 2, notAll: 3, interrupted: 130 };
/** Of a line of progress. */
const REASON_CHARS = 200;
const redact = createRedaction(process.env);
const progress = (line: string) => void process.stderr.write(`${redact(line)}\n`);
const print = (text: string) => void process.stdout.write(`${redact(text)}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options.help) print(USAGE);
    else if (options.list) print(toList());
    else return await run(options);
    return EXIT.ok;
  } catch (error) {
    const usage = error instanceof UsageError;
    progress(error instanceof Error ? error.message : String(error));
    if (usage) progress('`npm run eval -- --help` shows all options.');
    return usage ? EXIT.usage : EXIT.notAll;
  }
}

function toList(): string {
  const line = (kind: string, name: string, about: string) => `${kind}  ${name.padEnd(28)}${about}`;
  return [
    ...TASKS.map(({ name, about }) => line('task  ', name, about)),
    ...REVIEWS.map((review) =>
      line('review', review.name, `${review.registry} ${review.package} ${review.newer.version}, turned back`),
    ),
  ].join('\n');
}

async function run(options: Options): Promise<number> {
  const { folder, record } = openRun(options);
  const keeper = keepIn(folder.recordFile, record, redact);
  await keeper.save();
  progress(`Results: ${folder.path}`);
  const signal = interruptSignal();
  signal.addEventListener('abort', () => progress('Stopping.'));
  // A terminal that goes away ends a run as Ctrl-C does.
  process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM'));
  let leftover: Leftover;
  try {
    leftover = await evaluateIn(folder, keeper, options, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    await writeResults(folder, record);
    progress(`Interrupted. To continue: npm run eval -- --resume ${folder.name}${outOption(options)}`);
    return EXIT.interrupted;
  }
  return await finish(folder, record, options, leftover);
}

function openRun(options: Options): { folder: RunFolder; record: RunRecord } {
  const root = runsRoot(process.env, options.out);
  if (options.resume !== null) {
    const found = findRun(root, options.resume);
    if (options.maxUsd !== null) found.record.maxUsd = options.maxUsd;
    requireModels(found.record);
    for (const entry of found.record.cases)
      if (entry.result?.status === 'error') makeAgain(found.record, entry, entry.result);
    return found;
  }
  const now = new Date();
  const model = options.model ?? '';
  const record: RunRecord = {
    version: 1,
    startedAt: now.toISOString(),
    model,
    effort: options.effort,
    judge: options.judge,
    spoilt: options.spoilt,
    maxUsd: options.maxUsd,
    settings: takenSettings(process.env),
    cases: toCases(options),
    lost: NOTHING_SPENT,
  };
  requireModels(record);
  return { record, folder: openRunFolder(root, newRunName(root, model, now)) };
}

/** Before anything is made. */
function requireModels({ model, judge }: RunRecord): void {
  for (const name of [model, judge ?? model]) {
    const { problem } = describeModelChoice({ ...process.env, BOBBIN_MODEL: name }, 'http://127.0.0.1');
    if (problem !== undefined) throw new UsageError(problem);
  }
}

async function evaluateIn(
  folder: RunFolder,
  keeper: Keeper,
  { jobs }: Options,
  signal: AbortSignal,
): Promise<Leftover> {
  const { record } = keeper;
  if (record.cases.every(({ result }) => result !== null)) return 'nothing';
  const runner = createCheckRunner(folder.path);
  await requireSandbox(runner);
  const env = toStackEnvironment(process.env, { model: record.model, root: folder.root });
  await using opened = await openOwnStack({ folder: folder.path, env, progress, signal });
  const { bobbin } = opened;
  const environment: Environment = {
    ...{ bobbin, runner, signal },
    options: record,
    workspaces: folder.workspaces,
    packages: join(folder.root, 'packages'),
    save: () => keeper.save(),
  };
  let done = record.cases.filter(({ result }) => result !== null).length;
  return await evaluate({
    record,
    jobs,
    environment,
    runCase: (entry, usd) => runCase(environment, entry, usd),
    onStart: ({ id }) => progress(`begins   ${id}`),
    onEnd: ({ id }, result) =>
      progress(`${result.status.padEnd(8)} ${id}  ${++done}/${record.cases.length}${why(result)}`),
  });
}

function why({ status, reason }: Result): string {
  return status === 'passed' || reason === null ? '' : `  ${oneLine(reason, REASON_CHARS)}`;
}

async function writeResults(folder: RunFolder, record: RunRecord): Promise<string> {
  const json = JSON.stringify({ ...record, summary: summarise(record) }, null, 2);
  await writePrivateFile(join(folder.path, 'results.json'), redact(`${json}\n`));
  await writePrivateFile(join(folder.path, 'results.md'), redact(`${toMarkdown(record)}\n`));
  return json;
}

async function finish(folder: RunFolder, record: RunRecord, options: Options, leftover: Leftover): Promise<number> {
  const json = await writeResults(folder, record);
  print(
    { json, table: toText(record), markdown: toMarkdown(record) }[options.print === 'json' ? 'json' : options.print],
  );
  const again = `npm run eval -- --resume ${folder.name}${outOption(options)}`;
  if (leftover === 'budget') progress(`The budget is used up. To continue: ${again} --max-usd N`);
  else if (leftover !== 'nothing')
    progress(`Ended early: ${oneLine(leftover.everyCase, REASON_CHARS)} To continue: ${again}`);
  else if (!options.keep) await removeWork(folder);
  progress(`Results: ${join(folder.path, 'results.json')} and results.md`);
  return toExitCode(record);
}

/** With spoilt solutions it is right that none passes. */
function toExitCode({ cases, spoilt }: RunRecord): number {
  if (cases.some(({ result }) => result === null || result.status === 'error')) return EXIT.notAll;
  const wanted = spoilt ? 'failed' : 'passed';
  return cases.every(({ kind, result }) => kind === 'review' || result?.status === wanted) ? EXIT.ok : EXIT.notPassed;
}

function outOption({ out }: Options): string {
  return out === null ? '' : ` --out ${out}`;
}
