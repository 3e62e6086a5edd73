/**
 * Commands that are known to only read. In doubt the list asks: anything not fully understood (a redirection, a
 * substitution, an unknown option of a program that can also write or run something) is not safe. The paths that a
 * command reads do not matter: every sandbox mode lets all of them be read.
 */

/** A word of a command line, without its quotes. */
export interface Word {
  text: string;
  /** It begins with an unquoted pattern, so a file with a matching name can turn it into an option. */
  open: boolean;
}

type Check = (args: readonly string[], place: Place) => boolean;

interface Place {
  /** The command starts in the root of its workspace and has not left it. */
  atRoot: boolean;
  /** No file name can add an option. */
  closed: boolean;
}

/** Programs without an option to write or to run anything. */
const READERS =
  'basename cat cd cut df diff dirname du echo egrep expr false fgrep grep head id ls nl paste pwd readlink realpath rev seq stat strings tail tr true tsort tty uname wc whereis which whoami';

const READ_ONLY_GIT = new Set(
  'status log diff show rev-parse ls-files ls-tree blame describe shortlog cat-file rev-list merge-base'.split(' '),
);
const GIT_LISTS_BRANCHES = new Set(['--list', '-a', '-r', '-v', '-vv', '--show-current', '--all']);
/** Git accepts any unambiguous prefix of these. */
const GIT_OPTIONS_THAT_WRITE_OR_RUN = ['--output', '--ext-diff', '--textconv', '--filters', '--exec'];
const RIPGREP_OPTIONS_THAT_RUN = /^(--(pre|hostname-bin|search-zip)(=|$)|-[^-]*z)/;
const FIND_ACTIONS = /^-(exec|execdir|ok|okdir|delete|fls|fprint|fprint0|fprintf)$/;
const FILE_OPTIONS_THAT_WRITE_OR_RUN = /^(-[^-]*[CzZ]|--[cu])/;
const TREE_OPTIONS_THAT_WRITE = /^-[^-]*[oR]/;

const CHECKS = new Map<string, Check>([
  ...READERS.split(' ').map((name): [string, Check] => [name, () => true]),
  ['date', (args, { closed }) => closed && args.every((arg) => arg.startsWith('+'))],
  ['hostname', (args) => args.length === 0],
  // In bash, `printf -v` and `test -v` evaluate their name argument, and run substitutions in it.
  ['printf', (args, { closed }) => closed && args[0]?.startsWith('-') !== true],
  ['test', (args, { closed }) => closed && !args.includes('-v') && !args.includes('-R')],
  ['find', (args, { closed }) => closed && !args.some((arg) => FIND_ACTIONS.test(arg))],
  ['file', (args, { closed }) => closed && !args.some((arg) => FILE_OPTIONS_THAT_WRITE_OR_RUN.test(arg))],
  ['tree', (args, { closed }) => closed && !args.some((arg) => TREE_OPTIONS_THAT_WRITE.test(arg))],
  ['rg', (args, { closed }) => closed && !args.some((arg) => RIPGREP_OPTIONS_THAT_RUN.test(arg))],
  ['sed', (args, { closed }) => closed && isSafeSed(args)],
  ['git', (args, { closed, atRoot }) => closed && atRoot && isSafeGit(args)],
]);

/**
 * Whether every part of a shell command only reads.
 * @param atRoot whether it starts in the root of the workspace. Elsewhere git is not safe: a folder from the checkout
 * can pose as a repository, and the configuration of a repository names programs that git runs. Without a sandbox the
 * same applies to the root.
 */
export function isKnownSafe(command: string, atRoot: boolean): boolean {
  const parts = splitCommand(command);
  if (parts === null || parts.length === 0) return false;
  const leaves = parts.some(([program]) => program?.text === 'cd');
  return parts.every((words) => isSafeInvocation(words, atRoot && !leaves));
}

/** Whether a command that is known to be safe runs git. */
export function runsGit(command: string): boolean {
  return splitCommand(command)?.some(([program]) => program?.text === 'git') === true;
}

function isSafeInvocation(words: readonly Word[], atRoot: boolean): boolean {
  const [program, ...args] = words;
  if (program === undefined || program.open) return false;
  const check = CHECKS.get(program.text);
  const place = { atRoot, closed: !args.some(({ open }) => open) };
  return (
    check?.(
      args.map(({ text }) => text),
      place,
    ) ?? false
  );
}

function isSafeGit(args: readonly string[]): boolean {
  const [verb, ...rest] = args[0] === '--no-pager' ? args.slice(1) : args;
  if (verb === undefined) return false;
  if (verb === 'branch') return rest.every((arg) => GIT_LISTS_BRANCHES.has(arg));
  return READ_ONLY_GIT.has(verb) && !rest.some(writesOrRuns);
}

function writesOrRuns(arg: string): boolean {
  if (arg.startsWith('-O')) return true;
  const name = arg.split('=', 1)[0] ?? '';
  if (!name.startsWith('--') || name === '--') return false;
  return GIT_OPTIONS_THAT_WRITE_OR_RUN.some((option) => option.startsWith(name) || name.startsWith(option));
}

/** Only `sed -n Np` and `sed -n N,Mp`, with files after it. */
function isSafeSed(args: readonly string[]): boolean {
  return args[0] === '-n' && /^\d+(,\d+)?p$/.test(args[1] ?? '') && args.slice(2).every((arg) => !arg.startsWith('-'));
}

/**
 * Characters that a shell interprets and this file does not handle. `=` is an assignment unless it is inside an option.
 */
const NOT_FOLLOWED = /[\n\r<>$`\\(){}#!~=]/;

/**
 * A command line as lists of words, one list for each side of `&&`, `
 *
 * `, `;` and `
 * `. Null if it contains anything else that a shell would interpret.
 */
export function splitCommand(command: string): Word[][] | null {
  const parts: Word[][] = [];
  let words: Word[] = [];
  let word: Word | null = null;
  for (let i = 0; i < command.length; i++) {
    const char = command.charAt(i);
    const begun: Word = word ?? { text: '', open: false };
    if (char === "'" || char === '"') {
      const end = command.indexOf(char, i + 1);
      if (end === -1) return null;
      const quoted = command.slice(i + 1, end);
      if (char === '"' && /[$`\\!]/.test(quoted)) return null;
      word = { ...begun, text: begun.text + quoted };
      i = end;
    } else if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === ';' || char === '|' || char === '&') {
      const double = command.charAt(i + 1) === char;
      if ((char === '&' && !double) || (char === ';' && double)) return null;
      if (double) i++;
      if (word !== null) words.push(word);
      word = null;
      if (words.length === 0) return null;
      parts.push(words);
      words = [];
    } else if (NOT_FOLLOWED.test(char) && !(char === '=' && begun.text.startsWith('-'))) {
      return null;
    } else {
      word = { text: begun.text + char, open: begun.open || (/[*?[]/.test(char) && /^($|[-+])/.test(begun.text)) };
    }
  }
  if (word !== null) words.push(word);
  if (words.length > 0) parts.push(words);
  return parts;
}
