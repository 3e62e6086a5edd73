/** `bobbin doctor`: what is found, what is missing, how to get it. */
import type { Command } from 'commander';
import { line, linesOf, paint } from '../text/terminal-text.ts';
import { type CommonOptions, dataDirectoryOf, runCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

const MARKS = { ok: paint.green('ok     '), warning: paint.yellow('warning'), missing: paint.red('missing') };

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('look at what this machine has and lacks; changes nothing')
    .option('--data-dir <path>', 'where `bobbin dev` would keep its data (default: your data folder)')
    .option('--json', 'JSON in place of lines')
    .addHelpText('after', '\nExample:\n  bobbin doctor')
    .action((options: CommonOptions) =>
      runCommand(options, async (output) => {
        const { runChecks } = await import('../../../dev/checks/checks.ts');
        const checks = await runChecks({ dataDirectory: dataDirectoryOf(options), env: process.env });
        const lines = checks.flatMap((check) => [
          line`${MARKS[check.status]} ${check.name.padEnd(18)} ${check.found}`,
          ...(check.howTo === '' ? [] : linesOf(check.howTo).map((one) => line`${' '.repeat(27)}${one}`)),
        ]);
        output.result(checks, lines);
        return checks.some((check) => check.status === 'missing') ? EXIT.failure : EXIT.ok;
      }),
    );
}
