import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runGit } from './git-process.ts';
import { makePrivateGitDir } from './private-git-dir.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const signal = new AbortController().signal;

describe('a private git directory', () => {
  let data: string;
  let hostile: TestRepository;
  let marker: string;
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'bobbin-private-git-'));
    hostile = openRepository({ 'a.txt': 'one\r\ntwo\r\n' });
    marker = join(data, 'marker');
  });
  afterEach(() => {
    hostile.close();
    rmSync(data, { recursive: true, force: true });
  });

  /** A program that leaves a marker, and passes its input on. */
  function plant(): string {
    const program = join(hostile.root, 'planted.sh');
    hostile.write('planted.sh', `#!/bin/sh\necho ran >> '${marker}'\ncat\n`);
    chmodSync(program, 0o755);
    return program;
  }

  it('runs no filter, textconv or fsmonitor of the work tree, and takes the bytes as they are', async () => {
    const program = plant();
    hostile.write('.gitattributes', '* text=auto eol=lf ident filter=x diff=x\n');
    for (const key of ['filter.x.clean', 'filter.x.smudge', 'diff.x.textconv', 'core.fsmonitor'])
      hostile.git('config', key, program);
    hostile.write('a.txt', 'one\r\ntwo\r\n$Id$\r\n');
    // The same commands with the repository's own configuration do run it, so the attack is real.
    hostile.git('add', '-A');
    expect(existsSync(marker)).toBe(true);
    rmSync(marker);
    const gitDir = join(data, 'store');
    makePrivateGitDir(gitDir);
    const call = { cwd: hostile.root, signal, gitDir };
    const inTree = (args: string[]) => runGit(['--work-tree=.', ...args], call);
    await inTree(['add', '-A']);
    await inTree(['status', '--porcelain']);
    await inTree(['diff', '--stat']);
    const { stdout } = await inTree(['cat-file', 'blob', ':a.txt']);
    expect(stdout.toString()).toBe('one\r\ntwo\r\n$Id$\r\n');
    expect(existsSync(marker)).toBe(false);
  });

  it('reads the objects of another repository, whatever is configured there', async () => {
    hostile.git('config', 'core.fsmonitor', plant());
    hostile.git('config', 'include.path', '/proc/self/mem');
    const gitDir = join(data, 'reader');
    makePrivateGitDir(gitDir, { alternates: [join(hostile.root, '.git/objects')] });
    const head = execFileSync('git', ['--git-dir', gitDir, 'cat-file', '--batch-all-objects', '--batch-check'], {
      encoding: 'utf8',
    });
    const commit = /^(\w+) commit/m.exec(head)?.[1] ?? '';
    const { stdout } = await runGit(['show', '--no-textconv', `${commit}:a.txt`], { cwd: data, signal, gitDir });
    expect(stdout.toString()).toBe('one\r\ntwo\r\n');
    expect(existsSync(marker)).toBe(false);
  });

  it('is completed if one who made it was killed, and may be made again', async () => {
    const gitDir = join(data, 'store');
    makePrivateGitDir(gitDir);
    rmSync(join(gitDir, 'HEAD'));
    makePrivateGitDir(gitDir);
    makePrivateGitDir(gitDir);
    const { stdout } = await runGit(['rev-parse', '--is-bare-repository'], { cwd: data, signal, gitDir });
    expect(stdout.toString()).toBe('true\n');
  });
});

describe('a git process', () => {
  let repository: TestRepository;
  beforeEach(() => (repository = openRepository()));
  afterEach(() => repository.close());

  it.each(['.gitattributes', '.gitignore'])('that waits for a pipe called %s is ended in time', async (name) => {
    repository.write('new.txt', 'new\n');
    execFileSync('mkfifo', [join(repository.root, name)]);
    const call = { cwd: repository.root, signal, deadlineMs: 200 };
    const added = runGit(['add', '-A'], call);
    await expect(added).rejects.toMatchObject({
      code: 'gitFailed',
      message: expect.stringContaining('had not ended after 0.2 s') as string,
    });
  });

  it('that writes without end is ended', async () => {
    const call = { cwd: repository.root, signal, maxStdoutBytes: 1_000 };
    const log = runGit(['-c', 'alias.flood=!yes', 'flood'], call);
    await expect(log).rejects.toMatchObject({ message: expect.stringContaining('more than 1000 bytes') as string });
  });
});
