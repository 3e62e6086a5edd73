import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI } from '../../../test/parts/programs.ts';
import { createProgram } from './commands.ts';
import { SCRIPTS, SHELLS, complete } from './completion.ts';

const listed = {
  threads: () => Promise.resolve([{ value: 'repo-abcde', description: 'A title' }]),
  accounts: () => Promise.resolve([{ value: 'acme', description: '' }]),
};
const values = async (line: string) =>
  (await complete(createProgram(), line.split(' '), listed)).map(({ value }) => value);

describe('a command line', () => {
  it('is completed with commands, options, their values and threads', async () => {
    expect(await values('thread sh')).toEqual(['show']);
    expect(await values('requ')).toEqual(['requests']);
    expect(await values('comple')).toEqual(['completion']);
    expect(await values('thread show ')).toEqual(['repo-abcde']);
    expect(await values('thread show repo-abcde ')).toEqual([]);
    expect(await values('run --thread r')).toEqual(['repo-abcde']);
    expect(await values('run --sandbox ')).toEqual(['read-only', 'workspace-write', 'danger-full-access']);
    expect(await values('run --sandbox read-only --appr')).toEqual(['--approval-policy']);
    expect(await values('thread list --limit=5 --wai')).toEqual(['--waiting']);
    expect(await values('identity re')).toEqual(['replace', 'revoke']);
    expect(await values('identity replace ')).toEqual(['acme']);
    expect(await values('completion ')).toEqual([...SHELLS]);
    expect(await values('run --cwd ')).toEqual([]);
  });
});

/** Asks for what may follow `thread sh`, `run --sandbox read`, and a word that would be a command. */
const TRIES: Record<(typeof SHELLS)[number], (script: string, hostile: string) => string> = {
  bash: (script, hostile) => `${script}
    COMP_WORDS=(bobbin thread 'sh'); COMP_CWORD=2; _bobbin; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(bobbin run '--sandbox' 'read'); COMP_CWORD=3; _bobbin; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(bobbin '${hostile}'); COMP_CWORD=1; _bobbin; echo "none\${COMPREPLY[@]}"`,
  // What the completion system of zsh would do with the candidates.
  zsh: (script, hostile) => `compdef() { }
    _describe() { print -l -- "\${(@P)2}" }
    _files() { print none }
    ${script}
    words=(bobbin thread sh); CURRENT=3; _bobbin
    words=(bobbin run --sandbox read); CURRENT=4; _bobbin
    words=(bobbin '${hostile}'); CURRENT=2; _bobbin`,
  fish: (script, hostile) => `${script}
    complete -C 'bobbin thread sh'
    complete -C 'bobbin run --sandbox read'
    set -l found (complete -C 'bobbin \\'${hostile}\\'')
    echo "none$found"`,
};

describe('the scripts', () => {
  it.each(SHELLS)(
    'complete in %s, without reading what is typed as code (skipped where it is not installed)',
    (shell) => {
      const folder = mkdtempSync(join(tmpdir(), 'bobbin-completion-'));
      try {
        const bin = join(folder, 'bin');
        mkdirSync(bin);
        writeFileSync(join(bin, 'bobbin'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`, { mode: 0o755 });
        const env = {
          ...process.env,
          PATH: `${bin}:${process.env['PATH'] ?? ''}`,
          HOME: folder,
          BOBBIN_DATA_DIR: '/nonexistent',
        };
        const asked = TRIES[shell](SCRIPTS[shell], `$(touch ${folder}/run)`);
        const options = shell === 'zsh' ? ['-f'] : [];
        const { error, stdout } = spawnSync(shell, [...options, '-c', asked], { encoding: 'utf8', env, cwd: bin });
        if (error !== undefined) return;
        expect(stdout.split('\n').map((one) => one.split(/[\t:]/)[0])).toEqual(['show', 'read-only', 'none', '']);
        expect(readdirSync(folder)).not.toContain('run');
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});
