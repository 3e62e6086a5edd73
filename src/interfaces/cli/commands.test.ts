import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { createProgram } from './commands.ts';

/** Commands that do something, by all words of their names. */
function leaves(command: Command, names: readonly string[] = []): [string, Command][] {
  const below = command.commands.flatMap((one) => leaves(one, [...names, one.name()]));
  return below.length > 0 ? below : [[names.join(' '), command]];
}

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

test.each(leaves(createProgram()))('bobbin %s has help with an example', (name, command) => {
  expect(helpOf(command)).toContain(`Usage: bobbin ${name} `);
  expect(helpOf(command)).toMatch(/Examples?:\n {2}/);
});
