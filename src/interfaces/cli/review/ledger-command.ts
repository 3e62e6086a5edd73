/** `bobbin ledger ...`: shows the findings of review targets, dismisses and reopens them. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { Bobbin, LedgerSummary } from '../../../client/index.ts';
import type { LedgerFinding, LedgerRun, LedgerView } from '../../../contract/index.ts';
import { toPriorityWord, toTitle } from '../../../reports/finding-words.ts';
import { toLine, toName } from '../../../reports/foreign-text.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { describeTarget } from '../../../contract/plain/words/target-words.ts';
import { positive } from '../option-values.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../text/output.ts';
import { plural } from '../../../contract/plain/plural.ts';

type Body<O> = (bobbin: Bobbin, output: Output, ids: string[], options: O) => Promise<number>;

export function addLedgerCommands(program: Command): void {
  const ledger = program.command('ledger').description('show, dismiss and reopen the findings of review targets');
  const command = <O extends object>(name: string, description: string, example: string, body: Body<O>): Command =>
    ledger
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin ledger ${example}`)
      .action((...given: unknown[]) => {
        const self = given.at(-1) as Command;
        const options = self.opts<O & CommonOptions>();
        return withBobbin(options, (bobbin, output) => body(bobbin, output, self.args, options));
      });

  command<{ limit: number }>('list', 'list the targets that have been reviewed', 'list', list).option(
    '--limit <n>',
    'maximum number of targets',
    positive,
    1_000,
  );
  command<{ all?: boolean; runs?: boolean }>('show', 'show the findings of a target', 'show bobbin-main-1f2e3d', show)
    .argument('<targetId>')
    .option('--all', 'also fixed and dismissed ones')
    .option('--runs', 'show the runs instead of the findings');
  command<{ why: string; by?: string }>(
    'dismiss',
    'no longer count a finding, however often it is found',
    'dismiss bobbin-main-1f2e3d f7 --why "the caller holds the lock"',
    dismiss,
  )
    .argument('<targetId>')
    .argument('<findingId>')
    .requiredOption('--why <text>', 'the reason; stored with the finding and shown in every report')
    .option('--by <name>', 'who decided (default: your user name)');
  command<{ by?: string }>('reopen', 'reverse a dismissal', 'reopen bobbin-main-1f2e3d f7', reopen)
    .argument('<targetId>')
    .argument('<findingId>')
    .option('--by <name>', 'who decided (default: your user name)');
}

async function list(bobbin: Bobbin, output: Output, _ids: string[], { limit }: { limit: number }): Promise<number> {
  const ledgers = await bobbin.ledgers.list({ limit });
  output.result(ledgers, ledgers.length > 0 ? ledgers.map(describeSummary) : ['no target has been reviewed']);
  return EXIT.ok;
}

function describeSummary({ targetId, target }: LedgerSummary): string {
  return `${targetId}  ${describeTarget(target)}`;
}

async function show(
  bobbin: Bobbin,
  output: Output,
  [targetId = '']: string[],
  options: { all?: boolean; runs?: boolean },
): Promise<number> {
  const view = await bobbin.ledgers.get(targetId).view();
  const shown = view.findings.filter(({ state }) => options.all === true || state === 'open');
  const lines = options.runs === true ? view.runs.map(describeRun) : shown.flatMap(describeFinding);
  output.result(view, [...describeLedger(view), '', ...lines]);
  return EXIT.ok;
}

function describeLedger({ targetId, target, findings, runCount, running, findingsForgotten }: LedgerView): string[] {
  const count = (state: LedgerFinding['state']) => findings.filter((finding) => finding.state === state).length;
  return [
    `${targetId}: ${describeTarget(target)}`,
    `${count('open')} open, ${count('dismissed')} dismissed, ${count('fixed')} fixed, after ${runCount} ${runCount === 1 ? 'run' : 'runs'}`,
    ...(running === null ? [] : [`running: ${running.runId}`]),
    ...(findingsForgotten === 0 ? [] : [`${plural(findingsForgotten, 'more was', 'more were')} found than are stored`]),
  ];
}

function describeFinding(finding: LedgerFinding): string[] {
  const { findingId, location, state, change, dismissal } = finding;
  const place =
    location === null ? 'no place' : `${toName(location.path, 1_000)}:${location.startLine}-${location.endLine}`;
  const word = state === 'open' ? (change ?? 'not reviewed') : state;
  const title = toLine(toTitle(finding), 300);
  const why =
    dismissal === null ? [] : [`    dismissed by ${toLine(dismissal.by, 200)}: ${toLine(dismissal.why, 2_000)}`];
  return [`${findingId}  ${toPriorityWord(finding)}  ${word}  ${place}  ${title}`, ...why];
}

function describeRun({ at, runId, head, full, counts, open }: LedgerRun): string {
  const said = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`);
  const what = full ? 'everything' : 'what was new';
  return `${new Date(at).toISOString()}  ${head.slice(0, 12)}  ${what}  ${[...said, `${open} open`].join(', ')}  ${runId}`;
}

async function dismiss(
  bobbin: Bobbin,
  output: Output,
  [targetId = '', findingId = '']: string[],
  { why, by = userInfo().username }: { why: string; by?: string },
): Promise<number> {
  await bobbin.ledgers.get(targetId).dismiss({ findingId, by, why });
  output.result({ targetId, findingId, state: 'dismissed', by, why }, [`${findingId} is dismissed by ${by}`]);
  return EXIT.ok;
}

async function reopen(
  bobbin: Bobbin,
  output: Output,
  [targetId = '', findingId = '']: string[],
  { by = userInfo().username }: { by?: string },
): Promise<number> {
  await bobbin.ledgers.get(targetId).reopen({ findingId, by });
  output.result({ targetId, findingId, by }, [`${findingId} is reopened`]);
  return EXIT.ok;
}
