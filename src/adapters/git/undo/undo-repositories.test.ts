import { execFileSync } from 'node:child_process';
import { chmodSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type TestRepository } from '../test-repository.ts';
import { useGit } from './test-turn.ts';

const { data, git, signal, open, takeTurn } = useGit();

interface More {
  below?: string;
  since?: () => void;
}

/** The remarks of a turn's undo about repositories, which its preview must match. */
async function undo({ root }: TestRepository, turn: () => void, { below = '', since }: More = {}) {
  const request = { ...(await takeTurn(join(root, below), turn)), keepAs: null };
  since?.();
  const preview = await git.revert({ ...request, preview: true }, signal);
  const { paths, notUndone } = await git.revert({ ...request, preview: false }, signal);
  expect(preview.paths).toEqual(paths);
  const kept = paths.flatMap((one) => (one.outcome === 'kept' ? [`${one.path}: ${one.reason}`] : []));
  return { kept, notUndone };
}

const idOf = (repository: TestRepository, name: string) => repository.git('rev-parse', name).slice(0, 12);

describe('what a turn changed in a repository is kept and named', () => {
  it('a commit, a new branch and another one that is checked out', async () => {
    const repository = open();
    const was = idOf(repository, 'main');
    const { kept, notUndone } = await undo(repository, () => {
      repository.write('README.md', 'edited\n');
      repository.git('commit', '-qam', 'By the turn');
      repository.git('checkout', '-qb', 'feature/x');
    });
    expect(kept).toEqual([
      '.git/HEAD: another branch or commit is checked out',
      '.git/index: what is staged was changed',
      '.git/refs/heads/feature/x: the branch is new',
      `.git/refs/heads/main: the branch moved from ${was} to ${idOf(repository, 'main')}`,
    ]);
    expect(notUndone).toEqual([]);
  });

  it('what lies deeper: code that a hook runs, the branch of a linked work tree, a rebase in progress', async () => {
    const repository = open();
    repository.write('.git/hooks/lib/code', 'before\n');
    repository.write('.git/rebase-merge/done', 'one\n');
    repository.write('.git/worktrees/w/HEAD', 'ref: refs/heads/main\n');
    const { kept } = await undo(repository, () => {
      repository.write('.git/hooks/lib/code', 'by the turn\n');
      repository.write('.git/rebase-merge/done', 'two\n');
      repository.write('.git/worktrees/w/HEAD', 'ref: refs/heads/other\n');
      repository.write('.git/worktrees/w/index', 'looked at\n');
    });
    expect(kept.map((line) => line.split(':')[0])).toEqual(['.git/hooks/lib', '.git/rebase-merge', '.git/worktrees/w']);
  });

  it('and a folder of very many, however deep, is looked at in part', async () => {
    const repository = open();
    for (let outer = 0; outer < 30; outer++)
      for (let inner = 0; inner < 30; inner++) repository.write(`.git/hooks/lib/${outer}/${inner}/a/b/code`, 'x\n');
    const { kept } = await undo(repository, () => {
      repository.write('.git/hooks/lib/29/29/a/b/code', 'by the turn\n');
      repository.write('.git/hooks/lib/0/new', 'by the turn\n');
    });
    expect(kept.map((line) => line.split(':')[0])).toEqual(['.git/hooks/lib']);
  });

  it('a deleted branch and tag, loose or packed', async () => {
    const repository = open();
    const was = idOf(repository, 'main');
    for (const name of ['loose', 'packed']) repository.git('branch', name);
    repository.git('tag', 'v1');
    repository.git('pack-refs', '--all');
    repository.git('branch', '-f', 'loose', 'main');
    const { kept } = await undo(repository, () => {
      repository.git('branch', '-qD', 'loose', 'packed');
      repository.git('tag', '-d', 'v1');
      repository.git('tag', 'v2');
    });
    expect(kept).toEqual([
      `.git/refs/heads/loose: the branch was deleted; it was at ${was}`,
      `.git/refs/heads/packed: the branch was deleted; it was at ${was}`,
      `.git/refs/tags/v1: the tag was deleted; it was at ${was}`,
      '.git/refs/tags/v2: the tag is new',
    ]);
  });

  it('the stash, also one that is not the newest', async () => {
    const repository = open();
    const stash = () => {
      repository.write('README.md', `${Math.random()}\n`);
      repository.git('stash', '-q');
    };
    const first = await undo(repository, stash);
    expect(first.kept).toEqual(['.git/refs/stash: the stash was changed']);
    stash();
    const dropped = await undo(repository, () => repository.git('stash', 'drop', '-q', 'stash@{1}'));
    expect(dropped.kept).toEqual(['.git/refs/stash: the stash was changed']);
  });

  it('objects and entries of the log that are gone, and none that are new', async () => {
    const repository = open();
    const commit = () => {
      repository.write('README.md', `${Math.random()}\n`);
      repository.git('commit', '-qam', 'One more');
    };
    commit();
    const { kept: ofNew } = await undo(repository, commit);
    expect(ofNew.map((line) => line.split(':')[0])).toEqual(['.git/index', '.git/refs/heads/main']);
    repository.git('reset', '-q', '--hard', 'HEAD~1');
    const { kept } = await undo(repository, () => {
      repository.git('reflog', 'expire', '--expire=now', '--all');
      repository.git('gc', '-q', '--prune=now');
    });
    expect(kept).toEqual([
      '.git/logs/HEAD: entries were removed from the log of what was checked out',
      '.git/objects: packs or loose objects were removed, and maybe commits that no reference leads to',
    ]);
    const pack = await undo(repository, () => repository.remove('.git/objects/pack'));
    expect(pack.kept.map((line) => line.split(':')[0])).toEqual(['.git/objects']);
  });

  it('settings, hooks and rules, and a merge that is not done', async () => {
    const repository = open();
    const at = (path: string) => join(repository.root, '.git', path);
    repository.write('.git/hooks/old', '#!/bin/sh\n');
    const { kept } = await undo(repository, () => {
      repository.git('config', 'user.name', 'Somebody else');
      repository.write('.git/hooks/pre-push', '#!/bin/sh\n');
      chmodSync(at('hooks/pre-commit'), 0o644);
      repository.remove('.git/hooks/old');
      symlinkSync('/nowhere', at('hooks/post-merge'));
      repository.write('.git/info/exclude', '*.log\n');
      repository.git('worktree', 'add', '-q', '--detach', join(data, 'linked'));
      writeFileSync(at('MERGE_HEAD'), repository.git('rev-parse', 'HEAD'));
    });
    expect(kept).toEqual([
      '.git/MERGE_HEAD: it was written',
      '.git/config: it was changed',
      '.git/hooks/old: it was removed',
      '.git/hooks/post-merge: it was written',
      '.git/hooks/pre-commit: it was changed',
      '.git/hooks/pre-push: it was written',
      '.git/info/exclude: it was changed',
      '.git/worktrees/linked: it was written',
    ]);
  });

  it('in repositories within, in submodules and in the one around the workspace', async () => {
    const inner = open({ 'inner.txt': 'i\n' });
    const repository = open({ 'a.txt': 'a\n', 'in/b.txt': 'b\n' });
    repository.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'in/module');
    repository.git('clone', '-q', inner.root, 'in/cloned');
    repository.git('commit', '-qam', 'With a submodule');
    const { kept } = await undo(
      repository,
      () => {
        repository.git('-C', 'in/module', 'tag', 'by-the-turn');
        repository.write('in/cloned/.git/hooks/pre-commit', '#!/bin/sh\n');
        repository.git('branch', 'outer');
      },
      { below: 'in' },
    );
    expect(kept).toEqual([
      '../.git/refs/heads/outer: the branch is new',
      'cloned/.git/hooks/pre-commit: it was written',
      'module/.git/refs/tags/by-the-turn: the tag is new',
    ]);
  });

  it('a .git that leads elsewhere', async () => {
    const other = open();
    const repository = open({ 'a.txt': 'a\n' });
    execFileSync('git', ['worktree', 'add', '-q', '--detach', join(repository.root, 'linked')], { cwd: other.root });
    const { kept } = await undo(repository, () =>
      repository.write('linked/.git', `gitdir: ${join(repository.root, '.git')}\n`),
    );
    expect(kept).toContain('linked/.git: it leads to another repository');
  });

  it('many of a kind in one line, and whatever their names are', async () => {
    const repository = open();
    const id = repository.git('rev-parse', 'main').trim();
    for (let n = 0; n < 250; n++) repository.write(`.git/refs/tags/v${n}`, `${id}\n`);
    const { kept } = await undo(repository, () => {
      repository.git('tag', 'one-more');
      repository.write('.git/refs/heads/__proto__', `${id}\n`);
      repository.write('.git/refs/heads/\u001b[31mred', `${id}\n`);
      repository.write('.git/refs/heads/link', 'ref: refs/heads/main\n');
    });
    expect(kept).toEqual([
      '.git/refs/heads/\u001b[31mred: the branch is new',
      '.git/refs/heads/__proto__: the branch is new',
      '.git/refs/heads/link: the branch is new',
      '.git/refs/tags/: tags were changed',
    ]);
    const fewer = await undo(repository, () => {
      for (let n = 0; n < 200; n++) repository.remove(`.git/refs/tags/v${n}`);
    });
    expect(fewer.kept).toEqual(['.git/refs/tags/: tags were changed']);
  });

  it('and nothing that a look at it changes, that was packed, or that is as it was', async () => {
    const repository = open();
    repository.git('branch', 'other');
    const { kept } = await undo(
      repository,
      () => {
        repository.write('README.md', 'read me\n');
        repository.git('status');
        repository.git('update-index', '-q', '--refresh');
        repository.git('pack-refs', '--all');
        repository.git('branch', '-q', 'for-a-while');
      },
      { since: () => repository.git('branch', '-qD', 'for-a-while') },
    );
    expect(kept).toEqual([]);
  });

  it('and no pipe or huge file in it is waited for', async () => {
    const repository = open();
    const at = (path: string) => join(repository.root, '.git', path);
    for (const name of ['hooks/pipe', 'refs/heads/pipe', 'MERGE_HEAD', 'packed-refs'])
      execFileSync('mkfifo', [at(name)]);
    writeFileSync(at('hooks/huge'), '');
    truncateSync(at('hooks/huge'), 3 * 2 ** 30);
    const { kept } = await undo(repository, () => {
      repository.remove('.git/hooks/pipe');
      truncateSync(at('hooks/huge'), 4 * 2 ** 30);
    });
    expect(kept).toEqual(['.git/hooks/huge: it was changed', '.git/hooks/pipe: it was removed']);
  });
});
