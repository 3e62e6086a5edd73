/** `bobbin batch`: reviews many targets. */
import type { Command } from 'commander';
import { BobbinError } from '../../../client/bobbin-error.ts';
import type { BatchHandle, Batches, Bobbin } from '../../../client/index.ts';
import type { BatchRow, BatchView, RowOutcome } from '../../../contract/index.ts';
import { addBatchOptions, type BatchOptions, toBatch } from './batch-options.ts';
import { type CommonOptions, interruptSignal, withBobbin } from '../command.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { EXIT } from '../exit-codes.ts';
import { isServed } from '../served.ts';
import { sayIfUnserved } from '../thread/watch.ts';
import { toDollars } from '../../../contract/plain/words/amount-words.ts';
import { toLine } from '../../../reports/foreign-text.ts';
import { describeLeftOut } from '../../../reports/outcome.ts';
import type { ReportFormat } from '../../../reports/report.ts';
import type { Output } from '../text/output.ts';
import { exitCodeOfRecord, writeReport } from './report-file.ts';
import { type Threshold, thresholdOption } from './threshold.ts';
import { plural } from '../../../contract/plain/plural.ts';

interface RunOptions extends CommonOptions, BatchOptions {
  id?: string;
  detach?: boolean;
  fullPass?: boolean;
  report?: string[];
  failOn: Threshold;
}

export function addBatchCommands(program: Command): void {
  const batch = program.command('batch').description('review many repositories; nothing is reviewed twice');
  const common = (command: Command) =>
    command
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print the result as JSON');

  common(addBatchOptions(batch.command('run').description('start a batch and wait for its end')))
    .option('--id <id>', 'id of the batch; follows the batch if one with this id is running (default: a new id)')
    .option('--detach', 'return as soon as it is started')
    .option('--full-pass', 'review everything, also what was reviewed before and has not changed')
    .option('--report <files...>', 'write reports at the end: .html, .md, .sarif, .rdjson, .xml or .json')
    .addOption(thresholdOption('never'))
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin batch run --repository . --base main\n' +
        '  bobbin batch run --repository /srv/shop --base main --host build-2\n' +
        '  bobbin batch run --targets nightly.json --concurrency 8 --batch-budget-usd 20 --json\n' +
        '  bobbin batch run --repository . --base main --report review.sarif review.html --fail-on P1\n\nCtrl-C stops the batch; finished reviews are kept.',
    )
    .action((options: RunOptions) => withBobbin(options, (bobbin, output) => run(bobbin, output, options)));

  common(batch.command('show').argument('<id>').description('show the progress of a batch'))
    .addHelpText('after', '\nExample:\n  bobbin batch show nightly-2026-11-21T02:00:00Z')
    .action((id: string, options: CommonOptions) =>
      withBobbin(options, async ({ batches }, output) => {
        const view = await batches.get(id).view();
        output.result(view, renderBatch(view));
        return EXIT.ok;
      }),
    );

  common(batch.command('rows').argument('<id>').description('list the targets with their results'))
    .addHelpText('after', '\nExample:\n  bobbin batch rows nightly-2026-11-21T02:00:00Z --json')
    .action((id: string, options: CommonOptions) =>
      withBobbin(options, async ({ batches }, output) => {
        const rows = await readRows(batches, id);
        output.result(rows, rows.map(renderRow));
        return EXIT.ok;
      }),
    );

  common(batch.command('cancel').argument('<id>').description('stop a batch; finished reviews are kept'))
    .addHelpText('after', '\nExample:\n  bobbin batch cancel nightly-2026-11-21T02:00:00Z')
    .action((id: string, options: CommonOptions) =>
      withBobbin(options, async ({ batches }, output) => {
        await batches.get(id).cancel();
        output.result({ batchId: id, cancelling: true }, [`batch ${id} is being stopped`]);
        return EXIT.ok;
      }),
    );

  common(batch.command('list').description('list batches, newest first'))
    .option('--limit <n>', 'maximum number of batches', '50')
    .addHelpText('after', '\nExample:\n  bobbin batch list --json')
    .action((options: CommonOptions & { limit: string }) =>
      withBobbin(options, async ({ batches }, output) => {
        const found = await batches.list({ limit: Math.max(1, Number(options.limit) || 50) });
        output.result(
          found,
          found.map(({ batchId, status, startedAt }) => `${batchId}  ${status}  ${startedAt.toISOString()}`),
        );
        return EXIT.ok;
      }),
    );
}

async function run(bobbin: Bobbin, output: Output, options: RunOptions): Promise<number> {
  const { batches } = bobbin;
  const reports = (options.report ?? []).map((path) => ({ path, format: formatOf(path) }));
  const asked = { ...(await toBatch(options)), ...(options.fullPass === true ? { fullPass: true } : {}) };
  const batch = await batches.start(asked, options.id === undefined ? {} : { batchId: options.id });
  if (options.detach === true) {
    output.result({ batchId: batch.batchId }, [batch.batchId]);
    return EXIT.ok;
  }
  const signal = interruptSignal();
  output.progress(`batch ${batch.batchId}`);
  let last = '';
  const unserved = sayIfUnserved(bobbin, output, 'batch');
  const onView = (view: BatchView): void => {
    clearInterval(unserved);
    const line = progressOf(view);
    if (line !== last) output.progress(line);
    last = line;
  };
  const end = await batch
    .follow({ signal, onView })
    .catch((error: unknown) => {
      if (!signal.aborted) throw error;
      return undefined;
    })
    .finally(() => clearInterval(unserved));
  if (end === undefined || end.endedAt === null) {
    await cancel(batch);
    if (!(await isServed(bobbin))) {
      output.progress(`batch ${batch.batchId} is stopped when a worker serves it`);
      return EXIT.interrupted;
    }
    output.progress('stopping the running reviews');
    await batch.follow({ onView });
  }
  const view = await batch.view();
  const rows = await readRows(batches, batch.batchId);
  output.result({ ...view, rows }, [...rows.map(renderRow), ...renderBatch(view)]);
  const findings = await writeReports(batch, reports, options.failOn, output);
  if (signal.aborted) return EXIT.interrupted;
  const code = exitCodeOf(view);
  return code === EXIT.ok ? findings : code;
}

/** It may have ended meanwhile. */
async function cancel(batch: BatchHandle): Promise<void> {
  try {
    await batch.cancel();
  } catch (error) {
    if (!(error instanceof BobbinError) || error.code !== 'batchEnded') throw error;
  }
}

/** The exit code by `--fail-on`. */
async function writeReports(
  batch: BatchHandle,
  reports: readonly { path: string; format: ReportFormat }[],
  failOn: Threshold,
  output: Output,
): Promise<number> {
  if (reports.length === 0 && failOn === 'never') return EXIT.ok;
  const record = await batch.record();
  // The result of this command is the batch, not the report.
  const quiet = { ...output, result: () => undefined };
  for (const { path, format } of reports) {
    await writeReport(record, { format, output: path, only: undefined, targets: undefined, failOn: 'never' }, quiet);
    output.progress(`wrote ${path}`);
  }
  return exitCodeOfRecord(record, failOn);
}

function formatOf(path: string): ReportFormat {
  const format = Object.entries(SUFFIXES).find(([suffix]) => path.endsWith(suffix))?.[1];
  if (format !== undefined) return format;
  throw new BobbinError(
    'invalid',
    `--report ${path}: expected a name that ends in ${Object.keys(SUFFIXES).join(', ')}`,
  );
}

const SUFFIXES: Record<string, ReportFormat> = {
  '.html': 'html',
  '.md': 'markdown',
  '.sarif': 'sarif',
  '.rdjson': 'rdjson',
  '.xml': 'junit',
  '.json': 'json',
};

/** A batch with a failed target is not a success, whatever it found. */
function exitCodeOf({ status, counts }: BatchView): number {
  if (status === 'cancelled') return EXIT.turnAborted;
  return counts.failed > 0 ? EXIT.turnFailed : EXIT.ok;
}

async function readRows(batches: Batches, id: string): Promise<BatchRow[]> {
  const rows: BatchRow[] = [];
  for await (const row of batches.get(id).rows()) rows.push(row);
  return rows;
}

function progressOf({ counts, waitsFor }: BatchView): string {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const done = all - counts.waiting - counts.running;
  return `${done} of ${all} done, ${counts.running} running${waitsFor === 'rate' ? ', waiting for the rate limit' : ''}`;
}

export function renderBatch(view: BatchView): string[] {
  const { counts, findings, spent } = view;
  return [
    `${view.batchId}: ${view.status}`,
    `targets: ${counts.reviewed} reviewed, ${counts.skipped} skipped, ${counts.notReviewed} not reviewed, ${counts.failed} failed` +
      (counts.waiting + counts.running === 0 ? '' : `, ${counts.running} running, ${counts.waiting} waiting`),
    `findings: ${findings.new} new, ${findings.unchanged} still there, ${findings.reopened} reopened, ${findings.fixed} fixed, ${findings.dismissed} dismissed` +
      (view.open === undefined ? '' : `; ${view.open} open in total`),
    `used: ${plural(spent.tokens, 'token')}, ${toDollars(spent.costMicroUsd)}, ${plural(spent.steps, 'model call')}`,
  ];
}

function renderRow({ index, target, outcome }: BatchRow): string {
  return `${String(index).padStart(4)}  ${outcome.status.padEnd(11)}  ${describeTarget(target)}: ${describe(outcome)}`;
}

function describe(outcome: RowOutcome): string {
  switch (outcome.status) {
    case 'waiting':
    case 'running':
      return outcome.status;
    case 'reviewed': {
      const { counts, full, base, head, open } = outcome;
      const leftOut = describeLeftOut(outcome);
      const [left, all] = [leftOut === '' ? '' : `; ${leftOut}`, open === undefined ? '' : `, ${open} open in total`];
      const what = full ? 'everything' : `${base.slice(0, 10)}..`;
      return `${counts.new} new, ${counts.unchanged} still there, ${counts.reopened} reopened, ${counts.fixed} fixed${all} (${what}${full ? ' of ' : ''}${head.slice(0, 10)})${left}`;
    }
    case 'skipped':
      return REASONS[outcome.reason];
    case 'notReviewed':
      return outcome.reason === 'budget' ? 'the budget was used up' : 'the batch was stopped';
    case 'failed':
      return `[${outcome.code}] ${toLine(outcome.message, MAX_MESSAGE_CHARS)}`;
  }
}

const MAX_MESSAGE_CHARS = 2_000;

const REASONS = {
  alreadyReviewed: 'reviewed before with the same rules',
  duplicate: 'listed more than once',
};
