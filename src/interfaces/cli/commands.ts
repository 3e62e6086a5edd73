/** The commands of `bobbin`. */
import { Command } from 'commander';
import { toVisible } from '../../contract/plain/foreign-text.ts';
import { addBatchCommands } from './review/batch-command.ts';
import { addChatCommand } from './chat/chat-command.ts';
import { addDataCommands } from './stack/data-commands.ts';
import { addDevCommand } from './stack/dev-command.ts';
import { addDoctorCommand } from './stack/doctor-command.ts';
import { addReportCommand } from './review/report-command.ts';
import { addLedgerCommands } from './review/ledger-command.ts';
import { addReviewCommand } from './review/review-command.ts';
import { addRunCommand } from './thread/run-command.ts';
import { addSearchAttributeCommands } from './stack/search-attribute-commands.ts';
import { addScheduleCommands } from './review/schedule-command.ts';
import { addThreadCommands } from './thread/commands.ts';
import { addWorkerCommand } from './stack/worker-command.ts';

export function createProgram(): Command {
  const program = new Command('bobbin')
    .description('run durable coding-agent threads on Temporal')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({ outputError: (message, write) => write(toVisible(message)) })
    .addHelpText('after', '\nStart with `bobbin dev`. Exit codes: docs/cli.md.');
  addDevCommand(program);
  addWorkerCommand(program);
  addChatCommand(program);
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
  return program;
}
