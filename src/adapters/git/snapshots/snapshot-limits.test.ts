import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeTree } from '../../files/remove-tree.ts';
import { createGit } from '../git.ts';

const never = new AbortController().signal;
let root = '';
let cwd = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'snapshot-limits-')));
  cwd = join(root, 'workspace');
  mkdirSync(cwd);
});
afterEach(() => removeTree(root));

function put(path: string, text = 'x\n'): void {
  mkdirSync(dirname(join(cwd, path)), { recursive: true });
  writeFileSync(join(cwd, path), text);
}

const open = (...denied: string[]) =>
  createGit({ directory: join(root, 'data'), closed: denied.map((path) => join(cwd, path)) });

async function take(git: ReturnType<typeof open>, after: string | null = null) {
  const snapshot = await git.snapshot(cwd, after, never);
  if (snapshot.status !== 'taken') throw new Error(snapshot.reason);
  return snapshot;
}

async function fork(git: ReturnType<typeof open>, commit: string) {
  const path = join(root, 'fork');
  const made = await git.worktree({ cwd, path, commit }, never);
  const has = (file: string) => existsSync(join(path, file));
  return { ...made, has };
}

describe('what commands cannot read', () => {
  it('is in no snapshot, tracked or not, and is named', async () => {
    for (const path of ['.ssh/id', 'dotfiles/netrc', 'a']) put(path);
    execFileSync('git', ['init', '-q'], { cwd });
    execFileSync('git', ['add', '.ssh/id'], { cwd });
    symlinkSync('dotfiles/netrc', join(cwd, '.netrc'));
    const git = open('.ssh', '.netrc', '..');
    const { commit, warnings } = await take(git);
    expect(warnings).toEqual(['Not in the snapshot, what commands must not read: .ssh/, dotfiles/netrc, .ssh/id']);
    const { has } = await fork(git, commit);
    expect([has('a'), has('.ssh'), has('dotfiles')]).toEqual([true, false, false]);
  });

  it('is neither restored by an undo nor carried into a fork from a snapshot that has it', async () => {
    for (const path of ['.ssh/id', 'a']) put(path);
    const before = await take(open());
    put('.ssh/id', 'changed\n');
    put('a', 'changed\n');
    const git = open('.ssh');
    const after = await take(open(), before.commit);
    const request = { cwd, before: before.commit, after: after.commit, preview: false, keepAs: null };
    expect((await git.revert(request, never)).paths).toEqual([
      { path: '.ssh/id', outcome: 'kept', reason: 'it is closed to commands' },
      { path: 'a', outcome: 'restored' },
    ]);
    expect(readFileSync(join(cwd, '.ssh/id'), 'utf8')).toBe('changed\n');
    const { has, warnings } = await fork(git, before.commit);
    expect([has('a'), has('.ssh')]).toEqual([true, false]);
    expect(warnings).toEqual(['Closed to commands, so not in the new work tree: .ssh/id']);
  });

  it('counts as no change if it was in the snapshot before', async () => {
    for (const path of ['.ssh/id', 'a']) put(path);
    const before = await take(open());
    const git = open('.ssh');
    const after = await take(git, before.commit);
    const request = { cwd, before: before.commit, after: after.commit, preview: false, keepAs: null };
    expect((await git.revert(request, never)).paths).toEqual([]);
  });
});

describe('a workspace that is made to be hard to read', () => {
  it('has folders in each other that no path reaches: they are left out and named', async () => {
    put('a');
    const make = 'import os\nfor _ in range(60):\n os.mkdir("d" * 200)\n os.chdir("d" * 200)\nopen("f", "w")';
    execFileSync('python3', ['-c', make], { cwd });
    put(`${'e/'.repeat(150)}f`);
    const { commit, warnings } = await take(open());
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^Not in the snapshot, paths that are too long, or too deep in folders: (e|d){1}/);
    expect((warnings[0] ?? '').length).toBeLessThan(800);
    expect((await fork(open(), commit)).has('a')).toBe(true);
  });

  it('has long ignore files: their beginning counts, which is said', async () => {
    put('.gitignore', `ignored\n${`${'a*'.repeat(40)}b\n`.repeat(10_000)}beyond\n`);
    put('sub/.gitignore', `# ${'long '.repeat(50)}\ninner\n`);
    for (const path of ['ignored', 'beyond', 'sub/inner']) put(path);
    const git = open();
    const { commit, warnings } = await take(git);
    expect(warnings).toEqual([
      'Ignored is only what the first 100000 bytes of ignore files say: .gitignore, sub/.gitignore',
    ]);
    const { has } = await fork(git, commit);
    expect([has('ignored'), has('beyond'), has('sub/inner')]).toEqual([false, true, true]);
    expect((await take(git, commit)).warnings).toEqual(warnings);
  });
});
