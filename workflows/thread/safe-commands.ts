/**
 * Commands that are known to only read. The list errs on the side of asking: whatever is not plainly understood (a
 * redirection, a substitution, an unknown option of a program that can also write) is not safe.
 */

const READ_ONLY_PROGRAMS = new Set(
  'awk-none basename cat cd cut date df diff dirname du echo expr false file grep egrep fgrep head hostname id ls nl paste printf pwd readlink realpath rev rg seq sort-none stat strings tail test tr true tsort tty uname uniq-none wc whereis which whoami'
    .split(' ')
    .filter((name) => !name.endsWith('-none')),
);

const READ_ONLY_GIT = new Set(
  'status log diff show rev-parse ls-files ls-tree blame describe shortlog cat-file rev-list merge-base'.split(' '),
);
const GIT_OPTIONS_THAT_WRITE = /^(--output|-o|--ext-diff|--textconv|--exec|--open-files-in-pager|-O)/;
const RIPGREP_OPTIONS_THAT_RUN = /^(--pre|--hostname-bin|--search-zip|-z)/;
const FIND_ACTIONS = /^-(exec|execdir|ok|okdir|delete|fls|fprint|fprint0|fprintf)$/;

/** Whether every part of a shell command only reads. */
export function isKnownSafe(command: string): boolean {
  const parts = splitCommand(command);
  return parts !== null && parts.length > 0 && parts.every(isSafeInvocation);
}

function isSafeInvocation(words: string[]): boolean {
  const [program, ...args] = words;
  if (program === undefined) return false;
  if (program === 'git') return isSafeGit(args);
  if (program === 'find') return !args.some((arg) => FIND_ACTIONS.test(arg));
  if (program === 'sed') return isSafeSed(args);
  if (program === 'rg') return !args.some((arg) => RIPGREP_OPTIONS_THAT_RUN.test(arg));
  if (program === 'date' || program === 'hostname') return args.every((arg) => arg.startsWith('+'));
  return READ_ONLY_PROGRAMS.has(program);
}

function isSafeGit(args: string[]): boolean {
  const [verb, ...rest] = args[0] === '--no-pager' ? args.slice(1) : args;
  if (verb === undefined) return false;
  if (verb === 'branch')
    return rest.every((arg) => ['--list', '-a', '-r', '-v', '-vv', '--show-current', '--all'].includes(arg));
  return READ_ONLY_GIT.has(verb) && !rest.some((arg) => GIT_OPTIONS_THAT_WRITE.test(arg));
}

/** Only `sed -n Np` and `sed -n N,Mp`, with files after it. */
function isSafeSed(args: string[]): boolean {
  return args[0] === '-n' && /^\d+(,\d+)?p$/.test(args[1] ?? '') && args.slice(2).every((arg) => !arg.startsWith('-'));
}

/**
 * A command line as lists of words, one list for each side of `&&`, `||`, `;` and `|`. Null where it holds anything else
 * that a shell would act upon.
 */
export function splitCommand(command: string): string[][] | null {
  const parts: string[][] = [];
  let words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < command.length; i++) {
    const char = command.charAt(i);
    if (char === "'") {
      const end = command.indexOf("'", i + 1);
      if (end === -1) return null;
      word = (word ?? '') + command.slice(i + 1, end);
      i = end;
    } else if (char === '"') {
      const end = command.indexOf('"', i + 1);
      if (end === -1) return null;
      const quoted = command.slice(i + 1, end);
      if (/[$`\\!]/.test(quoted)) return null;
      word = (word ?? '') + quoted;
      i = end;
    } else if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === ';' || char === '|' || char === '&') {
      const double = command.charAt(i + 1) === char;
      if ((char === '&' && !double) || (char === ';' && double)) return null;
      if (double) i++;
      if (word !== null) words.push(word);
      if (words.length === 0) return null;
      parts.push(words);
      words = [];
      word = null;
    } else if (/[\n\r<>$`\\(){}#!~=]/.test(char) && !(char === '=' && word !== null && word.startsWith('-'))) {
      return null;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== null) words.push(word);
  if (words.length > 0) parts.push(words);
  return parts;
}
