/** `bobbin serve`: the HTTP API, and the tokens that it accepts. */
import type { Command } from 'commander';
import { runCommand } from '../command.ts';
import type { AddTokenOptions, ServeOptions } from './serve.ts';

const DATA_DIR = '--data-dir <path>';

export function addServeCommand(program: Command): void {
  const serve = program
    .command('serve')
    .description('serve threads over HTTP, for other languages and browsers, until Ctrl-C')
    .option('--listen <address>', 'address and port, 0 for a free one (default: 127.0.0.1:7420)')
    .option(
      '--temporal-ui <url>',
      'address of the Temporal UI, for links (default: TEMPORAL_UI_URL, else that of the stack)',
    )
    .option(DATA_DIR, 'data folder of the stack to use, and of the tokens (default: yours)')
    .option('--json', 'print the address as JSON')
    .addHelpText('after', '\nExample:\n  bobbin serve --listen 127.0.0.1:7420\n\ndocs/http.md describes the API.')
    .action((options: ServeOptions) =>
      runCommand(options, async (output) => (await import('./serve.ts')).serve(options, output)),
    );
  const token = serve
    .command('token')
    .description('manage the tokens that the server accepts; a change counts at once');
  token
    .command('add <name>')
    .description('make a token and print it; only its hash is stored')
    .option('--scope <scopes...>', 'read, drive, approve or admin (default: read)')
    .option('--owner <owner>', 'it starts and sees only threads of this owner (default: it sees everything)')
    .option(DATA_DIR, 'data folder of the server (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin serve token add dashboard --scope read drive --owner alice')
    .action((name: string, _: unknown, command: Command) =>
      withAll(command, (options) =>
        runCommand(options, async (output) => (await import('./serve.ts')).addToken(name, options, output)),
      ),
    );
  token
    .command('list')
    .description('list the tokens, without their secrets')
    .option(DATA_DIR, 'data folder of the server (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin serve token list')
    .action((_: unknown, command: Command) =>
      withAll(command, (options) =>
        runCommand(options, async (output) => (await import('./serve.ts')).listTokens(options, output)),
      ),
    );
  token
    .command('remove <id>')
    .description('remove a token; its open streams end within seconds')
    .option(DATA_DIR, 'data folder of the server (default: yours)')
    .option('--json', 'print JSON instead of text')
    .addHelpText('after', '\nExample:\n  bobbin serve token remove 1f3a9c2e')
    .action((id: string, _: unknown, command: Command) =>
      withAll(command, (options) =>
        runCommand(options, async (output) => (await import('./serve.ts')).removeToken(id, options, output)),
      ),
    );
}

/** `serve` has options of the same names, and takes them first. */
function withAll(command: Command, body: (options: AddTokenOptions) => Promise<void>): Promise<void> {
  return body(command.optsWithGlobals<AddTokenOptions>());
}
