/** `bobbin dev`: starts the embedded stack, runs a first turn on a new thread of this repository, and stays up. */
import type { Command } from 'commander';
import { runCommand } from '../command.ts';
import { addWorkspaceOptions } from '../thread/new-workspace.ts';
import type { DevOptions } from './dev.ts';

export function addDevCommand(program: Command): void {
  const command = program
    .command('dev')
    .description(
      'start Temporal, a worker, and local substitutes for what is not configured; then talk with the thread of this folder',
    );
  addWorkspaceOptions(command, 'the repository around .')
    .option('--once <prompt>', 'run this turn and exit with its status')
    .option('--no-turn', 'begin a new thread without a first turn')
    .option('--data-dir <path>', 'where to store everything (default: your data folder)')
    .option('--json', 'print events as lines of JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin dev\n  bobbin dev --once "what does this repository do?"\n  bobbin dev --repository https://git.example.com/team/shop.git --ref develop',
    )
    .action((options: DevOptions) =>
      runCommand(options, async (output) => (await import('./dev.ts')).dev(options, output)),
    );
}
