/** `bobbin dev`: the embedded stack, a thread on this repository, one turn, and then it stays up. */
import type { Command } from 'commander';
import { runCommand } from '../command.ts';
import type { DevOptions } from './dev.ts';

export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .description('start everything here: Temporal, a worker, stand-ins for what is not configured; then run one turn')
    .option('--once <prompt>', 'run this one turn and exit with its status')
    .option('--data-dir <path>', 'where everything is kept (default: your data folder)')
    .option('--json', 'events as lines of JSON')
    .addHelpText('after', '\nExamples:\n  bobbin dev\n  bobbin dev --once "what does this repository do?"')
    .action((options: DevOptions) =>
      runCommand(options, async (output) => (await import('./dev.ts')).dev(options, output)),
    );
}
