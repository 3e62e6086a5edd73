/** `bobbin doctor`: checks what is installed and configured, and says how to get what is missing. */
import type { Command } from 'commander';
import { line, linesOf, paint } from '../text/terminal-text.ts';
import { type CommonOptions, dataDirectoryOf, runCommand } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

const MARKS = { ok: paint.green('ok     '), warning: paint.yellow('warning'), missing: paint.red('missing') };

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('check this machine and its configuration; changes nothing')
    .option('--data-dir <path>', 'where `bobbin dev` would store its data (default: your data folder)')
    .option('--json', 'print JSON instead of text')
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
