/** `bobbin search-attributes`: lists and registers the attributes by which the Temporal UI can filter threads. */
import { columns } from '../text/columns.ts';
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { SearchAttributeState } from '../../../contract/index.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export function addSearchAttributeCommands(program: Command): void {
  const group = program
    .command('search-attributes')
    .description('manage the attributes by which the Temporal UI can filter threads');
  const command = (name: string, description: string, ask: (bobbin: Bobbin) => Promise<SearchAttributeState[]>) =>
    group
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'data folder of the stack to use (default: yours)')
      .option('--json', 'print JSON instead of text')
      .addHelpText('after', `\nExample:\n  bobbin search-attributes ${name}`)
      .action((options: CommonOptions) =>
        withBobbin(options, async (bobbin, output) => {
          const states = await ask(bobbin);
          output.result(states, columns(states.map(toRow)));
          return states.every(({ status }) => status === 'registered') ? EXIT.ok : EXIT.failure;
        }),
      );
  command('list', 'show each attribute, its type and whether it is registered; exits with 1 if one is not', (bobbin) =>
    bobbin.searchAttributes.list(),
  );
  command('register', 'register the missing ones; idempotent. Threads that are opened later use them', (bobbin) =>
    bobbin.searchAttributes.register(),
  );
}

function toRow(state: SearchAttributeState): string[] {
  return [state.name, state.type, state.status === 'otherType' ? `is of type ${state.found}` : state.status];
}
