/** The `bobbin` command: what it can do, and the one thing that it is asked for. */
import { Command, CommanderError } from 'commander';
import { toVisible } from '../../contract/plain/foreign-text.ts';
import { addBatchCommands } from './batch-command.ts';
import { addDataCommands } from './data-commands.ts';
import { addDevCommand } from './dev-command.ts';
import { addDoctorCommand } from './doctor-command.ts';
import { EXIT } from './exit-codes.ts';
import { addReportCommand } from './report-command.ts';
import { addLedgerCommands } from './ledger-command.ts';
import { addReviewCommand } from './review-command.ts';
import { addRunCommand } from './run-command.ts';
import { addSearchAttributeCommands } from './search-attribute-commands.ts';
import { addScheduleCommands } from './schedule-command.ts';
import { addThreadCommands } from './thread-commands.ts';
import { addWorkerCommand } from './worker-command.ts';

const program = new Command('bobbin')
  .description('durable coding-agent threads on Temporal')
  .version('0.1.0')
  .exitOverride()
  .showHelpAfterError()
  .configureOutput({ outputError: (message, write) => write(toVisible(message)) })
  .addHelpText('after', '\nStart with `bobbin dev`. Exit codes: docs/cli.md.');
addDevCommand(program);
addWorkerCommand(program);
addRunCommand(program);
addReviewCommand(program);
addBatchCommands(program);
addReportCommand(program);
addThreadCommands(program);
addSearchAttributeCommands(program);
addScheduleCommands(program);
addLedgerCommands(program);
addDataCommands(program);
addDoctorCommand(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
