/** Reviews and batches read repositories that somebody else made. Nothing that is configured in one runs. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from './git.ts';
import { createReviewTargets } from './targets/review-targets.ts';
import { type TestRepository, openRepository } from './test-repository.ts';

const { signal } = new AbortController();
const git = createGit({ directory: '/nonexistent' });
let home: string;
let marker: string;
let program: string;
let hostile: TestRepository;
let targets: ReturnType<typeof createReviewTargets>;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'bobbin-hostile-')));
  marker = join(home, 'marker');
  program = join(home, 'planted.sh');
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> '${marker}'\ncat 2>/dev/null\n`);
  chmodSync(program, 0o755);
  hostile = openRepository({ 'a.txt': 'one\ntwo\n', 'b.txt': 'kept\n' });
  targets = createReviewTargets({ directory: join(home, 'workspaces') });
});
afterEach(() => {
  hostile.close();
  rmSync(home, { recursive: true, force: true });
});

const headOf = (of = hostile) => of.git('rev-parse', 'HEAD').trim();

/** A second commit, and changes that are not committed. */
function change(): { base: string; head: string } {
  const base = headOf();
  hostile.git('branch', 'base');
  hostile.write('a.txt', 'one\nchanged\n');
  hostile.git('-c', 'core.fsmonitor=false', 'commit', '-q', '-a', '-m', 'Change');
  hostile.write('b.txt', 'not committed\n');
  hostile.write('new.txt', 'new\n');
  return { base, head: headOf() };
}

/** Every operation that reads a repository for a review or a batch. */
async function readAll({ base, head }: { base: string; head: string }, cwd = hostile.root) {
  const uncommitted = await git.pinChanges(cwd, { type: 'uncommittedChanges' }, signal);
  const branch = await git.pinChanges(cwd, { type: 'baseBranch', branch: 'base' }, signal);
  await git.pinChanges(cwd, { type: 'commit', sha: head }, signal);
  const inTree = await git.changedLines(cwd, { base: head, head: null }, ['a.txt', 'b.txt', 'new.txt'], signal);
  const inCommits = await git.changedLines(cwd, { base, head }, ['a.txt'], signal);
  await git.readFiles(cwd, head, ['a.txt'], signal);
  const state = await git.workTree(cwd, signal);
  for (const repository of [cwd, `file://${cwd}`]) {
    const found = await targets.find({ repository, base: 'base' }, 't', signal);
    await targets.checkOut(found, signal);
    expect(await targets.changedFiles(found.repository, { base, head }, signal)).toMatchObject([{ path: 'a.txt' }]);
    expect(await targets.isBefore(found.repository, base, head, signal)).toBe(true);
  }
  return {
    uncommitted: uncommitted.files,
    branch: branch.files,
    isElsewhere: branch.isElsewhere,
    inTree: inTree.files.map(({ ranges }) => ranges),
    inCommits: inCommits.files.map(({ ranges }) => ranges),
    state: state?.changes.map(({ kind, path }) => `${kind} ${path}`).filter((change) => !change.includes('deep')),
  };
}

/** Git itself, in that repository, runs the planted program: the attack is real. */
function expectReal(...args: string[]): void {
  spawnSync('git', args, { cwd: hostile.root, stdio: 'ignore', timeout: 20_000 });
  expect(existsSync(marker)).toBe(true);
  rmSync(marker);
}

const EXPECTED = {
  uncommitted: ['b.txt', 'new.txt'],
  branch: ['a.txt'],
  isElsewhere: true,
  inTree: [null, [{ start: 1, end: 1 }], 'all'],
  inCommits: [[{ start: 2, end: 2 }]],
  state: ['.M b.txt', '?? new.txt'],
};

describe('what a repository is configured with', () => {
  it.each([
    ['filters', ['filter.x.clean', 'filter.x.smudge', 'filter.x.process'], '* filter=x\n'],
    ['a program that makes text of files, or compares them', ['diff.x.textconv', 'diff.x.command'], '* diff=x\n'],
    ['a program for all comparisons', ['diff.external', 'core.pager', 'pager.diff'], ''],
    ['a program that watches files', ['core.fsmonitor'], ''],
    ['programs to reach others', ['core.sshCommand', 'core.gitProxy', 'core.askPass', 'credential.helper'], ''],
    ['programs of the side that is fetched from', ['uploadpack.packObjectsHook', 'core.alternateRefsCommand'], ''],
  ])('runs nothing: %s', async (_what, keys, attributes) => {
    const range = change();
    for (const key of keys) hostile.git('config', key, program);
    if (attributes !== '') {
      mkdirSync(join(hostile.root, '.git/info'), { recursive: true });
      writeFileSync(join(hostile.root, '.git/info/attributes'), attributes);
      hostile.write('deep/.gitattributes', attributes);
    }
    const expected = {
      ...EXPECTED,
      uncommitted: ['b.txt', ...(attributes === '' ? [] : ['deep/.gitattributes']), 'new.txt'],
    };
    expect(await readAll(range)).toEqual(expected);
    expect(existsSync(marker) && readFileSync(marker, 'utf8')).toBe(false);
  });

  it('fetches no object that it lacks, by any program', async () => {
    const { head } = change();
    hostile.git('config', 'core.repositoryFormatVersion', '1');
    hostile.git('config', 'extensions.partialClone', 'evil');
    // Git would wait for a program that reads all of its input.
    writeFileSync(program, `#!/bin/sh\necho ran >> '${marker}'\n`);
    hostile.git('config', 'remote.evil.url', `ext::${program}`);
    hostile.git('config', 'protocol.ext.allow', 'always');
    const blob = hostile.git('rev-parse', 'HEAD:a.txt').trim();
    rmSync(join(hostile.root, '.git/objects', blob.slice(0, 2), blob.slice(2)));
    expectReal('diff', 'base', head);
    await git.pinChanges(hostile.root, { type: 'commit', sha: head }, signal).catch(() => undefined);
    await git.changedLines(hostile.root, { base: 'base', head }, ['a.txt'], signal).catch(() => undefined);
    await targets.find({ repository: `file://${hostile.root}` }, 't', signal).catch(() => undefined);
    expect(existsSync(marker)).toBe(false);
  });

  it('changes no result: where its files are, what a comparison shows, and what is read beside it', async () => {
    const range = change();
    const settings = [
      ...['[core]', 'worktree = /', 'attributesFile = /dev/zero', 'excludesFile = /dev/zero', '[color]', 'ui = always'],
      ...['[diff]', 'submodule = log', 'noprefix = true', 'renames = false', 'ignoreSubmodules = all'],
      ...['[status]', 'showUntrackedFiles = no', '[include]', 'path = /dev/zero'],
    ];
    appendFileSync(join(hostile.root, '.git/config'), `${settings.join('\n')}\n`);
    expect(await readAll(range)).toEqual(EXPECTED);
  });

  it('counts in no repository within it, and not for a replaced one', async () => {
    const inner = openRepository({ 'inner.txt': 'x\n' });
    hostile.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.root, 'sub');
    hostile.git('-c', 'core.fsmonitor=false', 'commit', '-q', '-m', 'Add a submodule');
    inner.close();
    const range = change();
    rmSync(join(hostile.root, 'sub/.git'));
    const inSub = (...args: string[]) => execFileSync('git', args, { cwd: join(hostile.root, 'sub') });
    inSub('init', '-q');
    inSub('add', '-A');
    inSub('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '-q', '-m', 'Replace');
    for (const key of ['core.fsmonitor', 'filter.x.clean']) inSub('config', key, program);
    hostile.write('sub/.gitattributes', '* filter=x\n');
    hostile.write('sub/inner.txt', 'changed\n');
    expectReal('diff', 'HEAD');
    const seen = await readAll(range);
    expect(seen).toEqual({ ...EXPECTED, uncommitted: ['b.txt', 'sub', 'new.txt'] });
    expect(existsSync(marker)).toBe(false);
    await git.pinChanges(join(hostile.root, 'sub'), { type: 'uncommittedChanges' }, signal).catch(() => undefined);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('a file that git would put through a filter', () => {
  it('is unchanged while nobody has touched it, whatever its filter makes of it, and changed when somebody has', async () => {
    const { head } = change();
    hostile.git('config', 'filter.upper.clean', 'tr a-z A-Z');
    hostile.write('.gitattributes', '*.up filter=upper\n*.crlf text eol=crlf\n');
    hostile.write('x.up', 'text\n');
    hostile.write('y.crlf', 'one\r\ntwo\r\n');
    const old = Date.now() / 1_000 - 10;
    for (const name of ['x.up', 'y.crlf']) utimesSync(join(hostile.root, name), old, old);
    hostile.git('-c', 'core.fsmonitor=false', 'add', '-A');
    hostile.git('-c', 'core.fsmonitor=false', 'commit', '-q', '-m', 'Filtered');
    hostile.git('config', 'filter.upper.clean', program);
    const target = { type: 'uncommittedChanges' } as const;
    await expect(git.pinChanges(hostile.root, target, signal)).rejects.toMatchObject({ code: 'reviewNothingToReview' });
    // Read again, since its time has changed: line endings are plain settings and apply.
    utimesSync(join(hostile.root, 'y.crlf'), old + 5, old + 5);
    await expect(git.pinChanges(hostile.root, target, signal)).rejects.toMatchObject({ code: 'reviewNothingToReview' });
    hostile.write('x.up', 'other text\n');
    hostile.write('y.crlf', 'one\r\nthree\r\n');
    expect((await git.pinChanges(hostile.root, target, signal)).files).toEqual(['x.up', 'y.crlf']);
    const lines = await git.changedLines(hostile.root, { base: headOf(), head: null }, ['y.crlf'], signal);
    expect(lines.files).toMatchObject([{ ranges: [{ start: 2, end: 2 }] }]);
    expect([head.length, existsSync(marker)]).toEqual([40, false]);
  });

  it('of git-lfs is distinguished by its bytes, without running it', async () => {
    change();
    const content = 'large '.repeat(100);
    const sha256 = execFileSync('sha256sum', { input: content }).toString().slice(0, 64);
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${content.length}\n`;
    hostile.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    hostile.write('large.bin', pointer);
    hostile.git('-c', 'core.fsmonitor=false', 'add', '-A');
    hostile.git('-c', 'core.fsmonitor=false', 'commit', '-q', '-m', 'Large');
    for (const key of ['filter.lfs.clean', 'filter.lfs.smudge', 'filter.lfs.process'])
      hostile.git('config', key, program);
    hostile.git('config', 'filter.lfs.required', 'true');
    mkdirSync(join(hostile.root, '.git/lfs'));
    hostile.write('large.bin', content);
    const target = { type: 'uncommittedChanges' } as const;
    await expect(git.pinChanges(hostile.root, target, signal)).rejects.toMatchObject({ code: 'reviewNothingToReview' });
    hostile.write('large.bin', content.toUpperCase());
    expect((await git.pinChanges(hostile.root, target, signal)).files).toEqual(['large.bin']);
    const found = await targets.find({ repository: `file://${hostile.root}` }, 't', signal);
    const { cwd } = await targets.checkOut(found, signal);
    expect(readFileSync(join(cwd, 'large.bin'), 'utf8')).toBe(pointer);
    expect(existsSync(marker)).toBe(false);
  });
});

describe('a store of a fetched target', () => {
  it('that somebody wrote into says nothing: it is as it was fetched, and what was planted is gone', async () => {
    const { head } = change();
    const find = () => targets.find({ repository: `file://${hostile.root}` }, 't', signal);
    const { repository: store } = await find();
    const inStore = (...args: string[]) => execFileSync('git', args, { cwd: store });
    await targets.checkOut(await find(), signal);
    for (const key of ['core.fsmonitor', 'filter.x.smudge', 'core.sshCommand']) inStore('config', key, program);
    writeFileSync(join(store, '.gitattributes'), '* filter=x\n');
    writeFileSync(join(store, '.git/hooks-planted'), 'x');
    writeFileSync(join(store, '.git/commondir'), `${hostile.root}/.git\n`);
    await targets.checkOut(await find(), signal);
    const names = [existsSync(join(store, '.gitattributes')), existsSync(join(store, '.git/hooks-planted'))];
    expect(names).toEqual([false, false]);
    expect(inStore('status', '--porcelain').toString()).toBe('');
    expect(inStore('rev-parse', 'HEAD').toString().trim()).toBe(head);
    expect(existsSync(marker)).toBe(false);
  });
});
