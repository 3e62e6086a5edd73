/** `bobbin serve`: the HTTP API, and the tokens that it accepts. */
import type { Command } from 'commander';
import { runCommand } from '../command.ts';
import type { ServeOptions } from './serve.ts';

export function addServeCommand(program: Command): void {
  program
    .command('serve')
    .description('serve threads over HTTP, for other languages and browsers, until Ctrl-C')
    .option('--listen <address>', 'address and port, 0 for a free one (default: 127.0.0.1:7420)')
    .option('--data-dir <path>', 'data folder of the stack to use, and of the tokens (default: yours)')
    .option('--json', 'print the address as JSON')
    .addHelpText('after', '\nExample:\n  bobbin serve --listen 127.0.0.1:7420\n\ndocs/http.md describes the API.')
    .action((options: ServeOptions) =>
      runCommand(options, async (output) => (await import('./serve.ts')).serve(options, output)),
    );
}
