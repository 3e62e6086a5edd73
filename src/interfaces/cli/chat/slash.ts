/** What a line of the person means: a prompt, `!command` or `/command`. Pure. */

export interface SlashCommand {
  name: CommandName;
  argument: string;
}

export type Meaning =
  | { type: 'prompt'; text: string }
  | { type: 'shell'; command: string }
  | { type: 'slash'; command: SlashCommand }
  | { type: 'unknown'; name: string }
  | { type: 'nothing' };

/** Name, arguments, what it does. */
export const COMMANDS = [
  ['help', '', 'the commands and keys'],
  ['undo', '[yes]', 'show what undoing the newest turn does; with yes, do it'],
  ['redo', '', 'reverse the newest undo'],
  ['review', '[branch | commit ID | instructions]', 'review what is not committed, or what the argument names'],
  ['compact', '', 'make the context smaller'],
  ['fork', '[turn]', 'continue in a new thread with the past of this one'],
  ['rollback', '[n]', 'remove the newest n turns from the conversation; files stay'],
  ['model', '[name [effort]]', 'show the model, or use another one from the next turn on'],
  ['effort', '[level]', 'show how much it reasons, or change that from the next turn on'],
  ['image', 'FILE [text]', 'send an image of this machine'],
  ['agents', '', 'the agents below this thread'],
  ['rules', '[revoke ID]', 'the remembered answers'],
  ['budget', '', 'what was used, and the limits'],
  ['queue', '[drop N | edit N text]', 'the turns that wait'],
  ['threads', '', 'the threads of this folder'],
  ['resume', '[ID]', 'choose another thread of this folder, or talk with the one named'],
  ['show', '', 'the open request again, whole'],
  ['quit', '', 'leave; the thread stays'],
] as const;

export type CommandName = (typeof COMMANDS)[number][0];

export function meaningOf(text: string): Meaning {
  const trimmed = text.trim();
  if (trimmed === '') return { type: 'nothing' };
  if (trimmed.startsWith('!')) {
    const command = trimmed.slice(1).trim();
    return command === '' ? { type: 'nothing' } : { type: 'shell', command };
  }
  // A path such as /etc/hosts begins a prompt.
  const [, name, argument = ''] = /^\/([a-z]+)(?:\s+([^]*))?$/.exec(trimmed) ?? [];
  if (name === undefined) return { type: 'prompt', text };
  if (!isCommand(name)) return { type: 'unknown', name };
  return { type: 'slash', command: { name, argument: argument.trim() } };
}

export function isCommand(name: string): name is CommandName {
  return COMMANDS.some(([known]) => known === name);
}

export function completeCommand(text: string): string[] {
  if (!/^\/[a-z]*$/.test(text)) return [];
  return COMMANDS.map(([name]) => `/${name}`).filter((name) => name.startsWith(text));
}
