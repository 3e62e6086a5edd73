/** Runs the command that the arguments name. */
import { CommanderError } from 'commander';
import { createProgram } from './commands.ts';
import { EXIT } from './exit-codes.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
