/** `bobbin report`: writes the result of a batch in a format for people or programs. */
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
    .description('report the findings of a batch as SARIF, rdjson, JUnit, Markdown or HTML; exits with 7 by --fail-on')
    .addOption(new Option('--format <format>', 'format of the report (default: markdown)').choices([...REPORT_FORMATS]))
    .option('--output <path>', 'path of a file, or - for standard output', '-')
    .addOption(
      new Option('--only <findings>', 'findings to include (default: all in sarif and html, else open)').choices([
        ...SELECTIONS,
      ]),
    )
    .option('--target <ids...>', 'only these targets, by the ids that `bobbin ledger list` shows')
    .addOption(thresholdOption('never'))
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .option('--json', 'print the record that all reports are made from; with --output, print what was written')
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
