/** `bobbin search-attributes`: what the Temporal UI can filter threads by, and making it known to a service. */
import { columns } from '../text/columns.ts';
import type { Command } from 'commander';
import type { Bobbin } from '../../../client/index.ts';
import type { SearchAttributeState } from '../../../contract/index.ts';
import { type CommonOptions, withBobbin } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export function addSearchAttributeCommands(program: Command): void {
  const group = program
    .command('search-attributes')
    .description('what the Temporal UI can filter threads by, on the service in use');
  const command = (name: string, description: string, ask: (bobbin: Bobbin) => Promise<SearchAttributeState[]>) =>
    group
      .command(name)
      .description(description)
      .option('--data-dir <path>', 'of the stack to use (default: your data folder)')
      .option('--json', 'JSON in place of lines')
      .addHelpText('after', `\nExample:\n  bobbin search-attributes ${name}`)
      .action((options: CommonOptions) =>
        withBobbin(options, async (bobbin, output) => {
          const states = await ask(bobbin);
          output.result(states, columns(states.map(toRow)));
          return states.every(({ status }) => status === 'registered') ? EXIT.ok : EXIT.failure;
        }),
      );
  command('list', 'each with its type, and whether it is registered; exits with 1 where one is not', (bobbin) =>
    bobbin.searchAttributes.list(),
  );
  command(
    'register',
    'register those that are missing; twice is once. Threads opened from then on use them',
    (bobbin) => bobbin.searchAttributes.register(),
  );
}

function toRow(state: SearchAttributeState): string[] {
  return [state.name, state.type, state.status === 'otherType' ? `is of type ${state.found}` : state.status];
}
