/** `bobbin chat`: talks with a thread. React and Ink are loaded by this command only. */
import type { Command } from 'commander';
import { type ModelFlags, addModelOptions } from '../model-options.ts';
import { type CommonOptions, dataDirectoryOf, withBobbin } from '../command.ts';
import { type WorkspaceOptions, addWorkspaceOptions } from '../thread/new-workspace.ts';

interface ChatCommandOptions extends CommonOptions, ModelFlags, WorkspaceOptions {
  thread?: string;
  continue?: boolean;
  pick?: boolean;
}

export function addChatCommand(program: Command): void {
  const command = addModelOptions(program.command('chat'), 'of a new thread: ')
    .description('talk with a thread: a new one of this folder, or one that exists')
    .option('--thread <id>', 'talk with this thread')
    .option('--continue', 'talk with the newest thread of this folder')
    .option('--pick', 'choose a thread of this folder');
  addWorkspaceOptions(command, 'the repository around .', ['continue', 'pick'])
    .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
    .addHelpText(
      'after',
      '\nExamples:\n  bobbin chat\n  bobbin chat --continue\n  bobbin chat --host build-2 --cwd /srv/shop\n  bobbin chat --repository https://git.example.com/team/shop.git --ref develop',
    )
    .action((options: ChatCommandOptions) =>
      withBobbin(options, async (bobbin, output) =>
        (await import('./chat.ts')).chat(bobbin, output, { ...options, dataDirectory: dataDirectoryOf(options) }),
      ),
    );
}
