/** `bobbin completion`: prints the script with which a shell completes this command. */
import { Argument, type Command } from 'commander';
import type { Bobbin } from '../../client/index.ts';
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
      const found = await complete(program, words, { threads, accounts });
      const lines = found.map(({ value, description }) => `${toVisibleLine(value)}\t${toVisibleLine(description)}\n`);
      printDocument(lines.join(''));
    });
}

const MAX_LISTED = 100;

function threads(): Promise<Candidate[]> {
  return asked(async (bobbin) => {
    const found = await bobbin.threads.list({ limit: MAX_LISTED });
    return found.map(({ threadId, title }) => ({ value: threadId, description: title }));
  });
}

function accounts(): Promise<Candidate[]> {
  return asked(async (bobbin) => {
    const { identities, unread } = await bobbin.identities.list({ limit: MAX_LISTED });
    const names = [...identities.map(({ account }) => account), ...unread];
    return names.map((account) => ({ value: account, description: '' }));
  });
}

/** None if no service answers: a shell waits for it, and shows no errors. */
async function asked(list: (bobbin: Bobbin) => Promise<Candidate[]>): Promise<Candidate[]> {
  try {
    const bobbin = await connect({});
    try {
      return await list(bobbin);
    } finally {
      await bobbin.close();
    }
  } catch {
    return [];
  }
}
