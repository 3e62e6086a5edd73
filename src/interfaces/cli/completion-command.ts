/** `bobbin completion`: prints the script with which a shell completes this command. */
import { Argument, type Command } from 'commander';
import { toVisibleLine } from '../../contract/plain/foreign-text.ts';
import { connect } from './command.ts';
import { printDocument } from './text/output.ts';
import { type Candidate, SCRIPTS, SHELLS, complete } from './completion.ts';

export function addCompletionCommands(program: Command): void {
  program
    .command('completion')
    .description('print a script by which the shell completes commands, options and ids of threads')
    .addArgument(new Argument('<shell>', 'bash, zsh or fish').choices(SHELLS))
    .addHelpText(
      'after',
      '\nExamples:\n  eval "$(bobbin completion bash)"      # in ~/.bashrc\n  eval "$(bobbin completion zsh)"       # in ~/.zshrc, after compinit\n  bobbin completion fish | source       # in ~/.config/fish/config.fish',
    )
    .action((shell: keyof typeof SCRIPTS) => {
      printDocument(SCRIPTS[shell]);
    });
  program
    .command('complete', { hidden: true })
    .description('print what may follow, for the scripts of `bobbin completion`')
    .argument('[words...]')
    .addHelpText('after', '\nExample:\n  bobbin complete -- thread sh')
    .action(async (words: string[]) => {
      const found = await complete(program, words, threads);
      const lines = found.map(({ value, description }) => `${toVisibleLine(value)}\t${toVisibleLine(description)}\n`);
      printDocument(lines.join(''));
    });
}

const MAX_THREADS = 100;

/** None if no service answers: a shell waits for it, and shows no errors. */
async function threads(): Promise<Candidate[]> {
  try {
    const bobbin = await connect({});
    try {
      const found = await bobbin.threads.list({ limit: MAX_THREADS });
      return found.map(({ threadId, title }) => ({ value: threadId, description: title }));
    } finally {
      await bobbin.close();
    }
  } catch {
    return [];
  }
}
