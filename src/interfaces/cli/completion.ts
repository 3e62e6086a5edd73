/** What may follow the words of a command line: names of commands, options and their values, ids of threads. */
import type { Argument, Command, Option } from 'commander';

export interface Candidate {
  value: string;
  description: string;
}

/** Lists candidates for ids that a service knows. */
export interface Listed {
  threads(): Promise<Candidate[]>;
  /** Accounts with an agent identity. */
  accounts(): Promise<Candidate[]>;
}

/** @param words after the name of the program; the last one is being typed */
export async function complete(program: Command, words: readonly string[], listed: Listed): Promise<Candidate[]> {
  const typed = words.at(-1) ?? '';
  const { command, argument, option } = readWords(program, words.slice(0, -1));
  const all = await candidates();
  return all.filter(({ value }) => value.startsWith(typed));

  async function candidates(): Promise<Candidate[]> {
    if (option !== undefined) return option.long === '--thread' ? await listed.threads() : choicesOf(option);
    if (typed.startsWith('-')) return command.createHelp().visibleOptions(command).flatMap(toCandidate);
    if (command.commands.length > 0) return command.createHelp().visibleCommands(command).map(ofCommand);
    if (argument === undefined) return [];
    if (argument.name() === 'threadId') return await listed.threads();
    return argument.name() === 'account' ? await listed.accounts() : choicesOf(argument);
  }
}

interface Place {
  command: Command;
  /** The next one; undefined at the end. */
  argument: Argument | undefined;
  /** An option that needs a value now. */
  option: Option | undefined;
}

function readWords(program: Command, words: readonly string[]): Place {
  let command = program;
  let taken = 0;
  let option: Option | undefined;
  for (const word of words) {
    if (option !== undefined) option = undefined;
    else if (word.startsWith('-')) option = optionWithValue(command, word);
    else {
      const below = command.commands.find((one) => one.name() === word);
      if (below === undefined) taken += 1;
      else command = below;
    }
  }
  return { command, argument: command.registeredArguments[taken], option };
}

/** Undefined if it takes none, or has one already: `--limit=5`. */
function optionWithValue(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ long, short }) => long === word || short === word);
  return option?.required === true || option?.optional === true ? option : undefined;
}

function choicesOf({ argChoices = [] }: Pick<Option, 'argChoices'>): Candidate[] {
  return argChoices.map((value) => ({ value, description: '' }));
}

function toCandidate({ long, description }: Option): Candidate[] {
  return long === undefined ? [] : [{ value: long, description }];
}

function ofCommand(command: Command): Candidate {
  return { value: command.name(), description: command.description() };
}

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** For a file that the shell reads when it starts. The scripts ask `bobbin complete`, so they stay true. */
export const SCRIPTS: Record<(typeof SHELLS)[number], string> = {
  bash: `_bobbin() {
  local value
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    COMPREPLY+=("$value")
  done < <(bobbin complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _bobbin bobbin
`,
  zsh: `#compdef bobbin
_bobbin() {
  local -a found
  local value description
  while IFS=$'\\t' read -r value description; do
    found+=("\${value//:/\\\\:}:$description")
  done < <(bobbin complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( $#found )); then _describe bobbin found; else _files; fi
}
compdef _bobbin bobbin
`,
  fish: `function __bobbin_complete
  set -l found (bobbin complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c bobbin -f -a '(__bobbin_complete)'
`,
};
