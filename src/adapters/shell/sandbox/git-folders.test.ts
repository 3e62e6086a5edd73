import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCommandRunner } from '../command-runner.ts';
import { findGitFolders } from './git-folders.ts';

/** Below the temporary folder, which sandboxes have their own of. */
let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-git-folders-')));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function makeRepository(): string {
  const root = join(home, 'repository');
  mkdirSync(join(root, 'deep/er'), { recursive: true });
  writeFileSync(join(root, 'deep/er/a.txt'), 'x\n');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid', ...args], { cwd: root });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-q', '-m', 'One');
  git('worktree', 'add', '-q', '--detach', join(home, 'linked'));
  return root;
}

async function run(cwd: string, command: string, mode: 'read-only' | 'workspace-write' = 'read-only') {
  const runner = createCommandRunner({ stateDirectory: join(home, 'state'), hiddenFolders: [] });
  const sandbox = { mode, writableRoots: [], networkAccess: false };
  const ids = { threadId: 't', commandId: `c-${Math.random()}`, command, cwd, workspace: cwd };
  const spec = { ...ids, sandbox, timeoutMs: 20_000, maxOutputBytes: 10_000 };
  return runner.run(spec, { signal: new AbortController().signal, onOutput: () => undefined });
}

describe('git in a sandbox', () => {
  it('finds the repository of a workspace below the temporary folder: in a folder of it, and of a linked work tree', async () => {
    const root = makeRepository();
    for (const top of [root, join(home, 'linked')]) {
      for (const cwd of [top, join(top, 'deep'), join(top, 'deep/er')]) {
        const { output, exitCode } = await run(cwd, 'git rev-parse --show-toplevel && git log --format=%s -- :/');
        expect([output, exitCode]).toEqual([`${top}\nOne\n`, 0]);
      }
    }
    const { output } = await run(join(root, 'deep'), 'echo y > er/a.txt; echo z > ../b.txt; ls ..', 'workspace-write');
    expect(output).toContain('Read-only file system');
    expect(output.trim().split('\n').at(-1)).toBe('deep');
  });

  it('is shown nothing for a folder that only says it is one', () => {
    const root = makeRepository();
    mkdirSync(join(home, 'other/inner'), { recursive: true });
    writeFileSync(join(home, 'other/.git'), `gitdir: ${root}/.git\n`);
    expect(findGitFolders(join(home, 'other/inner'), [home])).toEqual([]);
    // Anybody can make one in the temporary folder itself.
    execFileSync('git', ['init', '-q', join(home, 'shared')]);
    mkdirSync(join(home, 'shared/mine'));
    expect(findGitFolders(join(home, 'shared/mine'), [join(home, 'shared')])).toEqual([]);
  });
});
