/** The commands of `bobbin`. */
import { Command } from 'commander';
import { addBatchCommands } from './review/batch-command.ts';
import { addChatCommand } from './chat/chat-command.ts';
import { addCompletionCommands } from './completion-command.ts';
import { addDataCommands } from './stack/data-commands.ts';
import { addDevCommand } from './stack/dev-command.ts';
import { addDoctorCommand } from './stack/doctor-command.ts';
import { addMcpCommand } from './stack/mcp-command.ts';
import { addReportCommand } from './review/report-command.ts';
import { addLedgerCommands } from './review/ledger-command.ts';
import { addReviewCommand } from './review/review-command.ts';
import { addRequestsCommand } from './thread/requests.ts';
import { addRunCommand } from './thread/run-command.ts';
import { addSearchAttributeCommands } from './stack/search-attribute-commands.ts';
import { addServeCommand } from './stack/serve-command.ts';
import { addSkillsCommands } from './skills/skills-command.ts';
import { addScheduleCommands } from './review/schedule-command.ts';
import { addHostCommands } from './stack/host-commands.ts';
import { addStoreCommands } from './stack/store-commands.ts';
import { addIdentityCommands } from './identity/identity-command.ts';
import { addHelpCommand } from './help-command.ts';
import { printProblem } from './text/output.ts';
import { reportUsage } from './usage.ts';
import { addThreadCommands } from './thread/commands.ts';
import { addWorkerCommand } from './stack/worker-command.ts';

export function createProgram(): Command {
  const program = new Command('bobbin')
    .description('run durable coding-agent threads on Temporal')
    .version('0.1.0')
    .exitOverride()
    .helpCommand(false)
    .addHelpText('after', '\nStart with `bobbin dev`. Exit codes: docs/cli.md.');
  addDevCommand(program);
  addWorkerCommand(program);
  addServeCommand(program);
  addMcpCommand(program);
  addChatCommand(program);
  addRunCommand(program);
  addReviewCommand(program);
  addBatchCommands(program);
  addReportCommand(program);
  addThreadCommands(program);
  addRequestsCommand(program);
  addSearchAttributeCommands(program);
  addScheduleCommands(program);
  addLedgerCommands(program);
  addIdentityCommands(program);
  addSkillsCommands(program);
  addHostCommands(program);
  addStoreCommands(program);
  addDataCommands(program);
  addDoctorCommand(program);
  addCompletionCommands(program);
  addHelpCommand(program);
  reportUsage(program, printProblem);
  return program;
}
