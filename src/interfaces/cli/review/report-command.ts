/** `bobbin report`: what a batch found, for people and for programs. */
import { type Command, Option } from 'commander';
import { REPORT_FORMATS, type ReportFormat } from '../../../reports/report.ts';
import { SELECTIONS, type Selection } from '../../../reports/selection.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { type ReportOptions, writeReport } from './report-file.ts';
import { type Threshold, thresholdOption } from './threshold.ts';

interface ReportCommandOptions extends CommonOptions {
  format?: ReportFormat;
  output: string;
  only?: Selection;
  target?: string[];
  failOn: Threshold;
}

export function addReportCommand(program: Command): void {
  program
    .command('report')
    .argument('<batchId>')
    .description('what a batch found: SARIF, rdjson, Markdown, or a page; exits with 7 by --fail-on')
    .addOption(new Option('--format <format>', '(default: markdown)').choices([...REPORT_FORMATS]))
    .option('--output <path>', 'a file, or - for standard output', '-')
    .addOption(new Option('--only <findings>', '(default: all in sarif and html, else open)').choices([...SELECTIONS]))
    .option('--target <ids...>', 'of these targets alone, by the ids that `bobbin ledger list` shows')
    .addOption(thresholdOption('never'))
    .option('--data-dir <path>', 'of the stack to use (default: your data folder)')
    .option('--json', 'the record that all reports are made of; with --output, what was written')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin report nightly-2026-11-21T02:00:00Z --format html --output report.html\n' +
        '  bobbin report nightly-2026-11-21T02:00:00Z --only new --fail-on P1\n' +
        '  bobbin report nightly-2026-11-21T02:00:00Z --format sarif --only open > report.sarif',
    )
    .action((batchId: string, options: ReportCommandOptions) =>
      withBobbin(options, async ({ batches }, output) =>
        writeReport(await batches.get(batchId).record(), toReportOptions(options), output),
      ),
    );
}

function toReportOptions({ format, output, only, target, failOn, json }: ReportCommandOptions): ReportOptions {
  return {
    format: format ?? (json === true && output === '-' ? 'json' : 'markdown'),
    output,
    only,
    targets: target,
    failOn,
  };
}
