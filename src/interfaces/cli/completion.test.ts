import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLI } from '../../../test/parts/programs.ts';
import { createProgram } from './commands.ts';
import { SCRIPTS, SHELLS, complete } from './completion.ts';

const threads = () => Promise.resolve([{ value: 'repo-abcde', description: 'A title' }]);
const values = async (line: string) =>
  (await complete(createProgram(), line.split(' '), threads)).map(({ value }) => value);

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
    expect(await values('completion ')).toEqual([...SHELLS]);
    expect(await values('run --cwd ')).toEqual([]);
  });
});

describe('the scripts', () => {
  it.each(SHELLS)('of %s can be read by it', (shell) => {
    const { error, status, stderr } = spawnSync(shell, ['-n'], { input: SCRIPTS[shell], encoding: 'utf8' });
    if (error !== undefined) return;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('complete in bash, without reading what is typed as code', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bobbin-completion-'));
    try {
      writeFileSync(join(folder, 'bobbin'), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`);
      chmodSync(join(folder, 'bobbin'), 0o755);
      const script = `${SCRIPTS.bash}
        COMP_WORDS=(bobbin thread 'sh'); COMP_CWORD=2; _bobbin; echo "\${COMPREPLY[@]}"
        COMP_WORDS=(bobbin run '--sandbox' 'read'); COMP_CWORD=3; _bobbin; echo "\${COMPREPLY[@]}"
        COMP_WORDS=(bobbin '$(touch ${folder}/run)'); COMP_CWORD=1; _bobbin; echo "none: \${COMPREPLY[@]}"; ls ${folder}`;
      const env = { ...process.env, PATH: `${folder}:${process.env['PATH'] ?? ''}`, BOBBIN_DATA_DIR: '/nonexistent' };
      const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env });
      expect(stdout).toBe('show\nread-only\nnone: \nbobbin\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
