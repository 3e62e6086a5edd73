/** The subjects of reviews, on real repositories. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ReviewRange } from '../../../contract/index.ts';
import { createGit } from '../git.ts';
import { openRepository, type TestRepository } from '../test-repository.ts';

const git = createGit({ directory: '/nonexistent' });
const never = new AbortController().signal;
const TEN = Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join('');

let repository: TestRepository;
const opened: (() => void)[] = [];
beforeEach(() => {
  repository = open({ 'a.txt': TEN, 'b.txt': TEN.replaceAll('line', 'row'), 'deep/c.txt': TEN.toUpperCase() });
});
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

function open(committed: Record<string, string> | null): TestRepository {
  const made = openRepository(committed);
  opened.push(() => made.close());
  return made;
}

function folder(): string {
  const made = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-review-')));
  opened.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const head = (of = repository) => of.git('rev-parse', 'HEAD').trim();
const pin = (target: Parameters<typeof git.pinChanges>[1], cwd = repository.root) => git.pinChanges(cwd, target, never);

function commit(message: string, of = repository): string {
  of.git('add', '-A');
  of.git('commit', '-q', '-m', message);
  return head(of);
}

describe('uncommitted changes', () => {
  it('are the staged, the unstaged and the untracked ones, and nothing of the person is touched', async () => {
    repository.write('a.txt', 'staged\n');
    repository.git('add', 'a.txt');
    repository.write('b.txt', 'unstaged\n');
    repository.write('new.txt', 'new\n');
    repository.write('.gitignore', 'ignored\n');
    repository.write('ignored', 'x\n');
    const before = repository.personal();
    expect(await pin({ type: 'uncommittedChanges' })).toEqual({
      ...{ base: head(), head: null, fileCount: 4, isElsewhere: false, checkedOut: head() },
      files: ['a.txt', 'b.txt', '.gitignore', 'new.txt'],
    });
    await git.changedLines(repository.root, { base: head(), head: null }, ['a.txt', 'new.txt'], never);
    expect(repository.personal()).toEqual(before);
  });

  it('leave out untracked files that commands cannot read, by name too', async () => {
    const [at, elsewhere] = ['secrets', 'deep/key'].map((name) => join(repository.root, name));
    repository.write('secrets/token.txt', 'x\n');
    repository.write('deep/key', 'x\n');
    repository.write('deep/keys', 'x\n');
    const walled = createGit({ directory: '/nonexistent', closed: [at ?? '', elsewhere ?? ''] });
    const uncommitted = { type: 'uncommittedChanges' } as const;
    const { files, fileCount } = await walled.pinChanges(join(repository.root, 'deep'), uncommitted, never);
    expect([files, fileCount]).toEqual([['deep/keys'], 1]);
    const named = ['secrets/token.txt', 'deep/key', 'deep/keys'];
    const lines = await walled.changedLines(repository.root, { base: head(), head: null }, named, never);
    expect(lines.files.map(({ ranges }) => ranges)).toEqual([null, null, 'all']);
    rmSync(join(repository.root, 'deep/keys'));
    await expect(walled.pinChanges(repository.root, uncommitted, never)).rejects.toMatchObject({
      code: 'reviewNothingToReview',
    });
    // A workspace inside a closed folder is open.
    const inside = await walled.pinChanges(join(repository.root, 'secrets'), uncommitted, never);
    expect(inside.files).toEqual(['secrets/token.txt']);
  });

  it('are everything where there is no commit yet', async () => {
    const fresh = open(null);
    fresh.write('first.txt', 'first\n');
    fresh.git('add', '-A');
    const { base, files, checkedOut } = await pin({ type: 'uncommittedChanges' }, fresh.root);
    expect(files).toEqual(['first.txt']);
    expect([checkedOut, await git.checkedOut(fresh.root, never)]).toEqual([base, base]);
    const { files: lines } = await git.changedLines(fresh.root, { base, head: null }, ['first.txt'], never);
    expect(lines[0]?.ranges).toEqual([{ start: 1, end: 1 }]);
  });

  it('are of the whole repository, also from a folder of it', async () => {
    repository.write('a.txt', 'changed\n');
    expect((await pin({ type: 'uncommittedChanges' }, join(repository.root, 'deep'))).files).toEqual(['a.txt']);
  });
});

describe('changes against a base branch', () => {
  it('begin at the merge base, not at the tip of the branch', async () => {
    const base = head();
    repository.git('checkout', '-q', '-b', 'topic');
    repository.write('a.txt', 'topic\n');
    const tip = commit('Topic');
    repository.git('checkout', '-q', 'main');
    repository.write('b.txt', 'main\n');
    commit('Main');
    repository.git('checkout', '-q', 'topic');
    expect(await pin({ type: 'baseBranch', branch: 'main' })).toEqual({
      ...{ base, head: tip, files: ['a.txt'], fileCount: 1, isElsewhere: false, checkedOut: tip },
    });
    repository.write('a.txt', 'not committed\n');
    expect((await pin({ type: 'baseBranch', branch: 'main' })).isElsewhere).toBe(true);
  });

  it('begin at the merge base with the upstream of the branch where that is ahead', async () => {
    const clone = folder();
    repository.git('clone', '-q', repository.root, clone);
    repository.write('b.txt', 'merged upstream\n');
    const merged = commit('Upstream');
    const inClone = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=P', '-c', 'user.email=p@example.invalid', ...args], { cwd: clone });
    inClone('fetch', '-q');
    inClone('checkout', '-q', '-b', 'topic', 'origin/main');
    writeFileSync(join(clone, 'a.txt'), 'topic\n');
    inClone('commit', '-q', '-a', '-m', 'Topic');
    expect(await pin({ type: 'baseBranch', branch: 'main' }, clone)).toMatchObject({ base: merged, files: ['a.txt'] });
    expect(await pin({ type: 'baseBranch', branch: 'origin/main' }, clone)).toMatchObject({ base: merged });
    inClone('branch', '-q', '-D', 'main');
    expect(await pin({ type: 'baseBranch', branch: 'main' }, clone)).toMatchObject({ base: merged });
  });
});

describe('a commit', () => {
  it('is compared with its first parent, the first one of all with nothing', async () => {
    const first = head();
    repository.write('a.txt', 'second\n');
    const second = commit('Second');
    repository.write('b.txt', 'third\n');
    commit('Third');
    expect(await pin({ type: 'commit', sha: second.slice(0, 8) })).toMatchObject({
      ...{ base: first, head: second, files: ['a.txt'], isElsewhere: true },
    });
    expect(await pin({ type: 'commit', sha: first })).toMatchObject({ head: first, fileCount: 3 });
  });
});

describe('what cannot be reviewed is refused with its code:', () => {
  const shallow = (): string => {
    repository.git('checkout', '-q', '-b', 'topic');
    repository.write('a.txt', 'topic\n');
    commit('Topic');
    repository.git('checkout', '-q', 'main');
    repository.write('b.txt', 'main\n');
    commit('Main');
    const clone = folder();
    repository.git('clone', '-q', '--depth', '1', '--no-single-branch', `file://${repository.root}`, clone);
    return clone;
  };

  it.each([
    ['a folder in no repository', 'reviewNoRepository', () => pin({ type: 'uncommittedChanges' }, folder())],
    ['an unknown branch', 'reviewTargetUnknown', () => pin({ type: 'baseBranch', branch: 'nowhere' })],
    ['a branch that looks like an option', 'reviewTargetUnknown', () => pin({ type: 'baseBranch', branch: '--all' })],
    ['an unknown commit', 'reviewTargetUnknown', () => pin({ type: 'commit', sha: 'deadbeef' })],
    ['words that are no name at all', 'reviewTargetUnknown', () => pin({ type: 'commit', sha: 'a b ^{/x} \n' })],
    ['a clean work tree', 'reviewNothingToReview', () => pin({ type: 'uncommittedChanges' })],
    ['a branch without changes', 'reviewNothingToReview', () => pin({ type: 'baseBranch', branch: 'main' })],
    ['an empty repository', 'reviewNothingToReview', () => pin({ type: 'uncommittedChanges' }, open(null).root)],
    ['a base for an empty one', 'reviewBaseMissing', () => pin({ type: 'baseBranch', branch: 'x' }, open(null).root)],
    ['a shallow clone', 'reviewBaseMissing', () => pin({ type: 'baseBranch', branch: 'origin/topic' }, shallow())],
    [
      'the last commit that a shallow clone has',
      'reviewBaseMissing',
      () => pin({ type: 'commit', sha: 'HEAD' }, shallow()),
    ],
    ['a folder that is not there', 'workspaceMissing', () => pin({ type: 'uncommittedChanges' }, '/nowhere/at/all')],
  ])('%s: %s', async (_what, code, look) => {
    await expect(look()).rejects.toMatchObject({ code });
  });

  it('histories that have nothing in common', async () => {
    repository.git('checkout', '-q', '--orphan', 'other');
    commit('Other');
    await expect(pin({ type: 'baseBranch', branch: 'main' })).rejects.toMatchObject({
      code: 'reviewBaseMissing',
      message: expect.stringContaining('nothing in common') as string,
    });
  });
});

describe('changed lines', () => {
  const linesOf = async (range: ReviewRange | null, paths: string[], cwd = repository.root) => {
    const { files } = await git.changedLines(cwd, range, paths, never);
    return files.map(({ relative, ranges }) => [relative, ranges]);
  };

  it('are those of the new version, of every hunk', async () => {
    const base = head();
    const changed = TEN.replace('line 2\n', 'line two\nand a half\n').replace('line 8\n', '');
    repository.write('a.txt', `${changed}line 11\n`);
    const tip = commit('Change');
    repository.write('a.txt', 'later\n');
    expect(await linesOf({ base, head: tip }, ['a.txt', 'b.txt', 'nowhere.txt'])).toEqual([
      [
        'a.txt',
        [
          { start: 2, end: 3 },
          { start: 8, end: 9 },
          { start: 11, end: 11 },
        ],
      ],
      ['b.txt', null],
      ['nowhere.txt', null],
    ]);
  });

  it('are all of an untracked file, of one that is gone, of a renamed or a binary one, and of one whose mode changed', async () => {
    repository.write('new.txt', 'new\n');
    repository.git('rm', '-q', 'a.txt');
    repository.git('mv', 'b.txt', 'moved.txt');
    repository.write('bytes', Buffer.from([0, 1, 2, 0]));
    repository.git('update-index', '--add', 'bytes');
    execFileSync('chmod', ['+x', join(repository.root, 'deep/c.txt')]);
    const asked = ['new.txt', 'a.txt', 'moved.txt', 'b.txt', 'bytes', 'deep/c.txt'];
    expect(await linesOf({ base: head(), head: null }, asked)).toEqual([
      ['new.txt', 'all'],
      ['a.txt', [{ start: 1, end: 10 }]],
      ['moved.txt', 'all'],
      ['b.txt', 'all'],
      ['bytes', 'all'],
      ['deep/c.txt', 'all'],
    ]);
  });

  it('are found by absolute paths, by paths from the folder and from the root, and through a link', async () => {
    repository.write('deep/c.txt', 'changed\n');
    const range = { base: head(), head: null };
    const changed = ['deep/c.txt', [{ start: 1, end: 1 }]];
    const deep = join(repository.root, 'deep');
    expect(await linesOf(range, [join(deep, 'c.txt'), 'c.txt', './c.txt', 'deep/c.txt'], deep)).toEqual(
      Array(4).fill(changed),
    );
    const link = join(folder(), 'link');
    symlinkSync(repository.root, link);
    expect(await linesOf(range, [join(link, 'deep/c.txt'), join(deep, 'c.txt')], link)).toEqual([changed, changed]);
  });

  it('are none outside of the repository', async () => {
    const paths = ['/etc/passwd', '../up.txt', join(repository.root, '../up.txt'), repository.root];
    expect(await linesOf({ base: head(), head: null }, paths)).toEqual(Array(4).fill([null, null]));
    expect(await git.changedLines(folder(), null, ['a.txt'], never)).toEqual({
      root: null,
      files: [{ path: 'a.txt', relative: null, ranges: null }],
    });
  });

  it('are distinguished from what only looks like a diff, under names that git quotes', async () => {
    const base = head();
    const odd = 'ü "quoted"\tname.txt';
    repository.write(odd, '-- a/x\n++ b/x\n@@ -1 +1 @@\nlast without an end');
    repository.write('with blank.txt', 'one\n');
    mkdirSync(join(repository.root, ':(glob)'));
    repository.write(':(glob)/**', 'two\n');
    repository.git('config', 'diff.noprefix', 'true');
    repository.git('config', 'diff.context', '5');
    repository.git('config', 'diff.renames', 'false');
    repository.write('Schrödinger/größe.txt', 'three\n');
    const tip = commit('Odd');
    // As `git diff` shows them to a model, which may leave out the quotes.
    const quoted = String.raw`Schr\303\266dinger/gr\303\266\303\237e.txt`;
    const written = [`"${quoted}"`, quoted, String.raw`"\303\274 \"quoted\"\tname.txt"`];
    expect(await linesOf({ base, head: tip }, written)).toEqual([
      ['Schrödinger/größe.txt', [{ start: 1, end: 1 }]],
      ['Schrödinger/größe.txt', [{ start: 1, end: 1 }]],
      [odd, [{ start: 1, end: 4 }]],
    ]);
    expect(await linesOf({ base, head: tip }, [odd, 'with blank.txt', ':(glob)/**'])).toEqual([
      [odd, [{ start: 1, end: 4 }]],
      ['with blank.txt', [{ start: 1, end: 1 }]],
      [':(glob)/**', [{ start: 1, end: 1 }]],
    ]);
  });
});
