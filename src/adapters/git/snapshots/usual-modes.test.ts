import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGit } from '../git.ts';

const never = new AbortController().signal;
let root = '';
let cwd = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'usual-modes-'));
  cwd = join(root, 'workspace');
  mkdirSync(cwd);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const git = () => createGit({ directory: join(root, 'data') });

/** As if the umask was 002. */
function put(path: string, content = path, mode = 0o664): void {
  let folder = cwd;
  for (const name of path.split('/').slice(0, -1)) {
    folder = join(folder, name);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o775);
  }
  writeFileSync(join(cwd, path), content);
  chmodSync(join(cwd, path), mode);
}

/** 600 files in 300 folders, and some with other permissions. */
function fill(): void {
  for (let n = 0; n < 300; n += 1) {
    put(`plain/${n}/file-with-a-name.txt`);
    put(`run/${n}.sh`, `${n}`, 0o775);
  }
  put('private.txt', 'private', 0o600);
  put('as-git-expects.txt', 'x', 0o644);
  symlinkSync('private.txt', join(cwd, 'link'));
  for (const [path, mode] of [
    ['closed/', 0o700],
    ['expected/', 0o755],
    ['expected/empty/', 0o775],
  ] as const) {
    mkdirSync(join(cwd, path));
    chmodSync(join(cwd, path), mode);
  }
  put('closed/in', 'x');
  chmodSync(join(cwd, 'closed'), 0o700);
}

async function take(after: string | null = null): Promise<string> {
  const snapshot = await git().snapshot(cwd, after, never);
  if (snapshot.status !== 'taken') throw new Error(snapshot.reason);
  return snapshot.commit;
}

/** Files that were written right before a snapshot are read again for the next one. */
async function takeTwice(): Promise<string> {
  await take();
  return take();
}

function takeElsewhere(): string {
  const script = `
    const [, module, directory, cwd] = process.argv;
    const { createGit } = await import(module);
    const taken = await createGit({ directory }).snapshot(cwd, null, new AbortController().signal);
    process.stdout.write(taken.commit);
  `;
  const args = ['--input-type=module', '-e', script, join(import.meta.dirname, '../git.ts'), join(root, 'data'), cwd];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

const store = () => join(root, 'data/snapshots', readdirSync(join(root, 'data/snapshots'))[0] ?? '');
const manifest = () => join(store(), 'manifest.jsonl');
const inStore = (args: string[], input = '') =>
  execFileSync('git', ['--git-dir', store(), ...args], { input, encoding: 'latin1' }).trim();

/** Every path with its permissions. */
function modesIn(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return names.map((name) => `${name} ${(lstatSync(join(folder, name)).mode & 0o7777).toString(8)}`);
}

describe('a workspace with permissions that git does not know', () => {
  it('costs a turn that changes one file no list of all paths, neither in the manifest nor in the snapshot', async () => {
    fill();
    await takeTwice();
    const [whole, first] = [statSync(manifest()).size, store()];
    for (const n of [1, 2, 3]) {
      put('plain/7/file-with-a-name.txt', `changed ${n}`);
      const commit = await take();
      expect(inStore(['cat-file', 'commit', commit]).length).toBeLessThan(1_500);
    }
    expect(statSync(manifest()).size - whole).toBeLessThan(3 * 600);
    // Another process, which has nothing in memory, continues it: the file is not rewritten.
    const size = statSync(manifest()).size;
    put('plain/8/file-with-a-name.txt', 'changed');
    const elsewhere = takeElsewhere();
    expect(store()).toBe(first);
    expect(statSync(manifest()).size - size).toBeLessThan(600);
    expect(await take()).toBe(elsewhere);
  });

  it('has all of them again after an undo, and in a fork', async () => {
    fill();
    const modes = modesIn(cwd);
    const before = await take();
    for (const path of ['plain', 'run', 'private.txt', 'as-git-expects.txt', 'link', 'closed', 'expected'])
      rmSync(join(cwd, path), { recursive: true });
    put('new.txt');
    const after = await take(before);
    await git().revert({ cwd, before, after, preview: false, keepAs: null }, never);
    expect(modesIn(cwd)).toEqual(modes);
    const fork = join(root, 'fork');
    await git().worktree({ cwd, path: fork, commit: before }, never);
    expect(modesIn(fork).filter((line) => !line.startsWith('expected/empty'))).toEqual(
      modes.filter((line) => !line.startsWith('expected')),
    );
  });

  it('finds a change of permissions from and to the usual ones', async () => {
    fill();
    const before = await take();
    const change = (path: string, mode: number) => chmodSync(join(cwd, path), mode);
    const modes = modesIn(cwd);
    change('plain/1/file-with-a-name.txt', 0o644);
    change('as-git-expects.txt', 0o664);
    change('run/1.sh', 0o664);
    const after = await take(before);
    const { paths } = await git().revert({ cwd, before, after, preview: false, keepAs: null }, never);
    expect(paths.map(({ path, outcome }) => `${path} ${outcome}`).sort()).toEqual([
      'as-git-expects.txt restored',
      'plain/1/file-with-a-name.txt restored',
      'run/1.sh restored',
    ]);
    expect(modesIn(cwd)).toEqual(modes);
  });

  it('has a manifest that stays as long as two of it, also if every turn changes a long list', async () => {
    const make = (n: number) => {
      const folder = join(cwd, `${'folder'.repeat(30)}-${n}`);
      mkdirSync(folder);
      chmodSync(folder, n % 2 === 0 ? 0o755 : 0o775);
    };
    for (let n = 0; n < 2_000; n += 1) make(n);
    await take();
    const whole = statSync(manifest()).size;
    for (let n = 2_000; n < 2_008; n += 1) {
      make(n);
      await take();
      expect(statSync(manifest()).size).toBeLessThan(2.1 * whole);
    }
    expect(takeElsewhere()).toBe(await take());
  });

  it('is read from what earlier releases stored: all paths in each snapshot, and in each line of the manifest', async () => {
    fill();
    const tree = inStore(['rev-parse', `${await takeTwice()}^{tree}`]);
    const full = toFull();
    const message = `Bobbin snapshot\n\n${JSON.stringify(full)}\n`;
    const who = ['-c', 'user.name=x', '-c', 'user.email=x@x'];
    const before = inStore([...who, 'commit-tree', tree], message);
    const lines = readFileSync(manifest(), 'latin1').split('\n').slice(0, -1);
    const { state, ...last } = JSON.parse(lines.pop() ?? '') as { state: object };
    const plain = lines.map((line) => JSON.stringify({ ...JSON.parse(line), state: undefined }));
    const head = { ...state, after: null, commit: before, facts: full };
    writeFileSync(manifest(), [...plain, JSON.stringify({ ...last, head }), ''].join('\n'), 'latin1');
    writeFileSync(join(store(), 'refs/newest'), `${before}\n`);
    const size = statSync(manifest()).size;
    const modes = modesIn(cwd);

    expect(takeElsewhere()).toBe(before);
    put('private.txt', 'changed', 0o600);
    expect(takeElsewhere()).not.toBe(before);
    expect(statSync(manifest()).size - size).toBeLessThan(1_500);
    for (const path of ['plain', 'run', 'closed', 'private.txt']) rmSync(join(cwd, path), { recursive: true });
    const after = await take(before);
    await git().revert({ cwd, before, after, preview: false, keepAs: null }, never);
    expect(modesIn(cwd)).toEqual(modes);
  });
});

/** The facts of the filled workspace with every path. */
function toFull() {
  const { usual: _, ...facts } = JSON.parse(
    inStore(['cat-file', 'commit', 'refs/newest']).split('\n').at(-1) ?? '',
  ) as {
    usual: unknown;
    folders: object;
  };
  const numbers = Array.from({ length: 300 }, (_, n) => n);
  const folders = numbers.map((n) => `plain/${n}/`).concat('expected/empty/', 'plain/', 'run/');
  return {
    ...facts,
    folders: { ...facts.folders, modes: { 700: ['closed/'], 775: folders } },
    modes: {
      600: ['private.txt'],
      664: numbers.map((n) => `plain/${n}/file-with-a-name.txt`).concat('closed/in'),
      775: numbers.map((n) => `run/${n}.sh`),
    },
  };
}
