/** Errors of the command line, in three lines: what is wrong, how the command is used, where its help is. */
import type { Command } from 'commander';
import type { ZodError } from 'zod';
import { asStarted } from './invocation.ts';

let running: Command | undefined;

/** Makes a program and its commands report errors like this. Call it when all commands are added. */
export function reportUsage(program: Command, print: (lines: string[]) => void): void {
  program.hook('preAction', (_, command) => {
    running = command;
  });
  for (const command of withSubcommands(program)) {
    command.configureOutput({
      outputError: (message) => print([toLine(message), ...usageOf(command)]),
    });
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Commander puts its suggestion on a second line. */
function toLine(message: string): string {
  return message
    .trim()
    .replace(/^error: /, '')
    .replaceAll('\n', ' ');
}

function usageOf(command: Command): string[] {
  const names = pathOf(command);
  return [
    `usage: ${['bobbin', ...names, command.usage()].join(' ')}`,
    `help:  ${asStarted([...names, '--help'].join(' '))}`,
  ];
}

function pathOf(command: Command): string[] {
  return command.parent === null ? [] : [...pathOf(command.parent), command.name()];
}

/** The option or argument that a refused message came from, and how the running command is used; empty if it was none. */
export function usageOfRunning(error: Error): { name: string; usage: string[] } | undefined {
  if (running === undefined) return undefined;
  const name = nameOf(running, error.cause);
  return name === '' && !error.message.includes('--') ? undefined : { name, usage: usageOf(running) };
}

function nameOf(command: Command, cause: unknown): string {
  const members = issuesOf(cause).flatMap(({ path }) => path.map(String));
  const names = members.map((one) => (one === 'threadId' ? 'id' : one));
  const option = command.options.find((one) => names.includes(one.attributeName()));
  const argument = command.registeredArguments.find((one) => members.includes(one.name()));
  return option?.long ?? (argument === undefined ? '' : `<${argument.name()}>`);
}

/** Of a `ZodError`; zod itself is not loaded for this. */
function issuesOf(cause: unknown): readonly { path: readonly PropertyKey[] }[] {
  return cause instanceof Error && cause.name === 'ZodError' ? (cause as ZodError).issues : [];
}

/** The argument or the option that names a thread in the running command. */
export function threadOfRunning(): string | undefined {
  const [argument] = running?.registeredArguments ?? [];
  if (argument?.name() === 'threadId') return running?.args[0];
  return running?.opts<{ thread?: string }>().thread;
}
