import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKnownSafe, splitCommand } from './safe-commands.ts';

const safe = (command: string): boolean => isKnownSafe(command, true);

describe('commands that only read', () => {
  it.each([
    'ls',
    'ls -la src/*.ts',
    'cat \'a file with spaces\' "another one"',
    'cat ../outside /etc/passwd',
    'cd src && ls | wc -l; pwd',
    'grep -rn "TODO" src || true',
    "grep -E 'a|b;c > d && e $(f)' file",
    'rg --files -g x.ts',
    "rg 'a.*b' src --type=ts",
    "find . -name '*.ts' -newer README.md",
    "sed -n '1,200p' src/index.ts",
    'sed -n 5p a b',
    'head -n 5 a',
    'tail -c 100 a',
    'git status',
    'git --no-pager log --oneline -5',
    "git log --format='%H %s' -- src",
    'git diff HEAD^ -- src',
    'git ls-files -o --exclude-standard',
    'git branch --show-current',
    'date',
    'date +%s',
    'hostname',
    "printf '%s\\n' a",
    'test -f README.md && echo yes',
    'file README.md',
    'tree -L 2 src',
    'ec"ho" a',
  ])('%s', (command) => {
    expect(safe(command)).toBe(true);
  });
});

describe('everything else is asked for', () => {
  it.each([
    // shell syntax
    '',
    '   ',
    'ls > out',
    'ls >out',
    'ls>>out',
    'ls 2>&1',
    'cat < in',
    'cat <<E',
    'cat <(ls)',
    'ls &',
    'ls & ls',
    'ls |& cat',
    'ls ;; ls',
    'ls && && ls',
    '; ls',
    '| ls',
    'echo $HOME',
    'echo $(touch x)',
    'echo `touch x`',
    'echo "$(touch x)"',
    'echo "`touch x`"',
    'echo "${x:=$(touch x)}"',
    "echo $'a'",
    'echo a\\;touch x',
    'ls\ntouch x',
    'ls\rtouch x',
    "ls '",
    'ls "',
    '(ls)',
    '{ ls; }',
    'cat {a,b}',
    'ls ~root',
    'ls !!',
    'ls # comment',
    '! ls',
    // environment and assignments
    'PATH=/tmp ls',
    'LD_PRELOAD=x.so ls',
    'ls; PATH=/tmp',
    'env ls',
    'export PATH',
    // programs that run others
    'xargs rm',
    'ls | xargs rm',
    'sh -c ls',
    'bash -c ls',
    'sudo ls',
    'time ls',
    'nice ls',
    'timeout 5 ls',
    'eval ls',
    'exec ls',
    'command ls',
    'source x',
    '. x',
    'python -c 1',
    'node -e 1',
    'awk 1',
    'make',
    'npm test',
    // a program by path or by pattern may be any program
    './ls',
    '/bin/ls',
    'l?',
    '*',
    // programs that write
    'touch x',
    'tee x',
    'sort -o x y',
    'uniq a b',
    'rm x',
    'cp a b',
    'dd if=a of=b',
    // options of programs that otherwise only read
    'find . -delete',
    'find . -exec rm x +',
    "find . '-exec' rm",
    'find . -ex"ec" rm',
    'find . -fprint x',
    'find . -fprintf x y',
    'find . -ok rm',
    'find . -fls x',
    'rg --pre cmd x',
    'rg --pre=cmd x',
    'rg -z x',
    'rg -inz x',
    'rg --search-zip x',
    'rg --hostname-bin=cmd x',
    "sed -n '1w x' a",
    "sed -n '1e touch x' a",
    "sed 's/a/b/w x' a",
    'sed -i s/a/b/ a',
    'sed -n 1p -i a',
    "sed -n 1p '-i' a",
    'sed -n 1p --in-place a',
    'date -s now',
    'date 0101',
    'hostname new',
    'hostname -F x',
    'tree -o x',
    'tree -Lo 2 x',
    'tree -R',
    'file -C -m x',
    'file --compile',
    'file -z x',
    "printf -v 'a[$(touch x)]' 1",
    'printf -v PATH /tmp && ls',
    "test -v 'a[$(touch x)]'",
    "test 1 -a -v 'a[$(touch x)]'",
    // a file of a fitting name turns an open pattern into an option
    'find *',
    'find . -d*',
    'find ?delete',
    'find [-]delete',
    "find ''*",
    'git log *',
    'git diff --out*',
    'rg x *',
    'sed -n 1p *',
    'tree *',
    'file *',
    'test * = b',
    'printf * x',
    'date +*',
    // git
    'git',
    'git commit -m x',
    'git -c core.pager=x log',
    'git -C /elsewhere status',
    'git --git-dir=x status',
    'git --exec-path=x status',
    'git log --output=x',
    'git log --output x',
    'git log --outpu=x',
    'git diff --ext-diff',
    'git diff --ext',
    'git show --textconv',
    'git cat-file --textconv HEAD:x',
    'git cat-file --filters HEAD:x',
    'git diff -Ox',
    'git branch new',
    'git branch -d old',
    'git config x y',
    'git fetch',
    'git grep -Ox y',
    'git stash',
    'git checkout .',
    // a folder that was checked out with the rest may pose as a repository
    'cd evil && git status',
    'ls; cd evil; git log',
  ])('%j', (command) => {
    expect(safe(command)).toBe(false);
  });

  it('git elsewhere than in the root of the workspace', () => {
    expect(isKnownSafe('git status', false)).toBe(false);
    expect(isKnownSafe('ls', false)).toBe(true);
  });
});

const LISTED = new Set(
  `basename cat cd cut date df diff dirname du echo egrep expr false fgrep file find git grep head hostname id ls nl
  paste printf pwd readlink realpath rev rg sed seq stat strings tail test tr tree true tsort tty uname wc whereis which
  whoami`.split(/\s+/),
);

/** Words, operators, quotes and characters that mean something to some shell or program. */
const piece = fc.oneof(
  fc.constantFrom('ls', 'cat', 'git', 'log', 'find', 'sed', '-n', '1p', 'rg', 'cd', 'test', 'echo', 'a', '--x=1', '*'),
  fc.constantFrom(
    ' ',
    ' ',
    ' && ',
    ' | ',
    '; ',
    ' || ',
    "'",
    '"',
    '>',
    '<',
    '$(',
    '`',
    '\\',
    '\n',
    '&',
    '(',
    '{',
    '~',
    '!',
  ),
  fc.string({ maxLength: 4 }),
);
const command = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

/** The text outside of single quotes, and outside of double quotes, read by another way than the one that is tested. */
function bare(text: string): { outsideSingle: string; outsideAll: string } {
  const outsideSingle = text.replace(/'[^']*'|("[^"]*")/g, (_, double: string | undefined) => double ?? '');
  return { outsideSingle, outsideAll: outsideSingle.replace(/"[^"]*"/g, '') };
}

describe('whatever the command line', () => {
  it('nothing with a redirection, a substitution, an escape, a group or a new line of its own is safe', () => {
    let accepted = 0;
    fc.assert(
      fc.property(command, (text) => {
        if (!safe(text)) return;
        accepted++;
        const { outsideSingle, outsideAll } = bare(text);
        expect(outsideSingle).not.toMatch(/[$`\\]/);
        expect(outsideAll).not.toMatch(/[<>(){}\n\r#~!]/);
        expect(outsideAll.replaceAll('&&', '')).not.toContain('&');
      }),
      { numRuns: 20_000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  it('no program that is not on the list is safe, in whatever place', () => {
    const unknown = fc.stringMatching(/^[a-z./]{1,8}$/).filter((name) => !LISTED.has(name));
    const known = fc.constantFrom('ls', 'cat a', "grep 'x' a", 'cd src', 'echo "hi"');
    const operator = fc.constantFrom(' && ', ' || ', '; ', ' | ', ';', '|', '&&');
    fc.assert(
      fc.property(fc.array(known), unknown, fc.array(known), operator, (before, name, after, between) => {
        expect(safe([...before, ...after].join(between))).toBe(before.length + after.length > 0);
        expect(safe([...before, name, ...after].join(between))).toBe(false);
      }),
    );
  });

  it('quotes change nothing about what a word is', () => {
    const quoted = fc.constantFrom<[(word: string) => string]>(
      [(word) => word],
      [(word) => `'${word}'`],
      [(word) => `"${word}"`],
      [(word) => `${word.slice(0, 2)}''"${word.slice(2)}"`],
    );
    const words = fc.constantFrom('-exec', '-delete', 'rm', '--output', '-i', 'status', 'cat', '.');
    fc.assert(
      fc.property(fc.constantFrom('find', 'git', 'sed', 'cat'), fc.array(fc.tuple(words, quoted)), (program, parts) => {
        const plain = [program, ...parts.map(([word]) => word)].join(' ');
        const wrapped = [program, ...parts.map(([word, [quote]]) => quote(word))].join(' ');
        expect(splitCommand(wrapped)).toEqual(splitCommand(plain));
        expect(safe(wrapped)).toBe(safe(plain));
      }),
    );
  });
});
