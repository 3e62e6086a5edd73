/** `bobbin help thread send`: the help of a command, as deep as it is named. */
import type { Command } from 'commander';

export function addHelpCommand(program: Command): void {
  program
    .command('help')
    .description('show the help of a command')
    .argument('[command...]', 'its name, such as `thread send`')
    .addHelpText('after', '\nExample:\n  bobbin help thread send')
    .action((names: string[]) => {
      const found = names.reduce((group, name) => find(group, name), program);
      found.outputHelp();
    });
}

function find(group: Command, name: string): Command {
  const found = group.commands.find((one) => one.name() === name || one.aliases().includes(name));
  return found ?? group.error(`unknown command '${name}'`);
}
