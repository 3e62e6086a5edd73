/** `bobbin chat`: talks with a thread. React and Ink are loaded by this command only. */
import type { Command } from 'commander';
import { type CommonOptions, dataDirectoryOf, withBobbin } from '../command.ts';

interface ChatCommandOptions extends CommonOptions {
  thread?: string;
  continue?: boolean;
  pick?: boolean;
  model?: string;
}

export function addChatCommand(program: Command): void {
  program
    .command('chat')
    .description('talk with a thread: a new one of this folder, or one that exists')
    .option('--thread <id>', 'talk with this thread')
    .option('--continue', 'talk with the newest thread of this folder')
    .option('--pick', 'choose a thread of this folder')
    .option('--model <name>', 'model, or provider/model, of a new thread')
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .addHelpText('after', '\nExamples:\n  bobbin chat\n  bobbin chat --continue')
    .action((options: ChatCommandOptions) =>
      withBobbin(options, async (bobbin, output) =>
        (await import('./chat.ts')).chat(bobbin, output, { ...options, dataDirectory: dataDirectoryOf(options) }),
      ),
    );
}
