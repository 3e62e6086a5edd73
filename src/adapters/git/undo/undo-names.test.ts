import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { createGit } from '../git.ts';
import { type TestRepository, openRepository } from '../test-repository.ts';

const data = mkdtempSync(join(tmpdir(), 'bobbin-undo-names-'));
afterAll(() => rmSync(data, { recursive: true, force: true }));
const git = createGit({ directory: data });
const { signal } = new AbortController();
const opened: TestRepository[] = [];
afterEach(() => opened.splice(0).forEach((repository) => repository.close()));

function open(committed: Record<string, string>): TestRepository {
  const repository = openRepository(committed);
  opened.push(repository);
  return repository;
}

async function undo({ root }: TestRepository, turn: () => void) {
  const before = (await git.snapshot(root, null, signal)) as { commit: string };
  turn();
  const after = (await git.snapshot(root, before.commit, signal)) as { commit: string };
  const request = { cwd: root, before: before.commit, after: after.commit, keepAs: null };
  return { ...(await git.revert({ ...request, preview: false }, signal)), before: before.commit };
}

it('names an ignored file whatever its name is', async () => {
  const names = ['__proto__', 'constructor'];
  const repository = open({ '.gitignore': names.join('\n') });
  for (const name of names) repository.write(name, 'before\n');
  const { notUndone } = await undo(repository, () => names.forEach((name) => repository.write(name, 'by the turn\n')));
  expect(notUndone).toEqual([`Ignored, so left as it is, and changed by the turn: ${names.join(', ')}`]);
});

it('says that it did not look at all of many ignored files, and names none that the turn left alone', async () => {
  const repository = open({ '.gitignore': '*.o\n' });
  for (let n = 0; n < 600; n++) repository.write(`${n}.o`, 'before\n');
  const { notUndone } = await undo(repository, () => {
    for (let n = 0; n < 300; n++) repository.remove(`${n}.o`);
  });
  expect(notUndone).toEqual([expect.stringMatching(/^Of the ignored paths only \d+ were looked at/)]);
});

it('names what is spelled like .git in other letters, and a .git that is gone', async () => {
  const repository = open({ 'a.txt': 'a\n', 'module/b.txt': 'b\n' });
  repository.git('init', '-q', 'module');
  const { notUndone } = await undo(repository, () => {
    repository.write('sub/.GIT', 'by the turn\n');
    repository.remove('module/.git');
  });
  expect(notUndone).toEqual([
    'The .git that the turn removed, with its commits and branches, does not come back: module/.git/',
    'Not in the snapshot, so left as it is: sub/.GIT',
  ]);
});

it('gives no file back that runs as its owner, here or in a new work tree', async () => {
  const repository = open({ 'gone.sh': '1\n', 'made.sh': '2\n', 'own.sh': '3\n' });
  const path = (name: string) => join(repository.root, name);
  chmodSync(path('gone.sh'), 0o6755);
  chmodSync(path('own.sh'), 0o4755);
  const { paths, before } = await undo(repository, () => {
    repository.remove('gone.sh');
    chmodSync(path('made.sh'), 0o4755);
  });
  expect(paths.map(({ outcome }) => outcome)).toEqual(['restored', 'restored']);
  const mode = (file: string) => (statSync(file).mode & 0o7777).toString(8);
  expect(['gone.sh', 'made.sh', 'own.sh'].map((name) => mode(path(name)))).toEqual(['755', '644', '4755']);
  const place = join(data, 'tree');
  const { cwd } = await git.worktree({ cwd: repository.root, path: place, commit: before }, signal);
  expect(['gone.sh', 'own.sh'].map((name) => mode(join(cwd, name)))).toEqual(['755', '755']);
  expect(existsSync(cwd)).toBe(true);
});

it('names ignored folders, whose files it does not look at', async () => {
  const repository = openRepository({ '.gitignore': 'out/\n', 'a.txt': 'a\n' });
  try {
    repository.write('out/deep/file', 'before\n');
    const { notUndone } = await undo(repository, () => repository.write('out/deep/file', 'by the turn\n'));
    expect(notUndone).toEqual(['Ignored folders, in which files may have changed: out/']);
  } finally {
    repository.close();
  }
});

it('leaves folders of a person, brings those back that the turn removed, and opens none that was private', async () => {
  const repository = open({ 'a.txt': 'a\n', 'd/x': 'x\n', 'private/secret': 's\n', 'tight/y': 'y\n' });
  const at = (path: string) => join(repository.root, path);
  for (const path of ['logs/keep', 'empty']) mkdirSync(at(path), { recursive: true });
  chmodSync(at('private'), 0o700);
  const { paths, notUndone, before } = await undo(repository, () => {
    repository.write('logs/keep/new', 'by the turn\n');
    repository.remove('empty');
    repository.remove('private');
    repository.remove('d');
    mkdirSync(at('made/deep'), { recursive: true });
    chmodSync(at('tight'), 0o711);
  });
  expect(['logs/keep', 'empty', 'made', 'd'].map((path) => existsSync(at(path)))).toEqual([true, true, false, true]);
  expect(paths.filter(({ path }) => path.endsWith('/'))).toEqual([
    { path: 'made/deep/', outcome: 'deleted' },
    { path: 'empty/', outcome: 'restored' },
  ]);
  expect(statSync(at('private')).mode & 0o777).toBe(0o700);
  expect(notUndone).toEqual(['Permissions of folders stay as the turn left them: tight/']);
  const place = join(data, 'private-tree');
  const { cwd } = await git.worktree({ cwd: repository.root, path: place, commit: before }, signal);
  expect(statSync(join(cwd, 'private')).mode & 0o777).toBe(0o700);
});

it('leaves a folder empty in a redo that was empty before the undo', async () => {
  const repository = open({ 'd/x': 'x\n' });
  const { root } = repository;
  const before = (await git.snapshot(root, null, signal)) as { commit: string };
  repository.remove('d/x');
  const after = (await git.snapshot(root, before.commit, signal)) as { commit: string };
  const request = { cwd: root, before: before.commit, after: after.commit, preview: false };
  const { redo } = await git.revert({ ...request, keepAs: { threadId: 't', name: 'n' } }, signal);
  if (redo === null) throw new Error('nothing was kept');
  expect(existsSync(join(root, 'd/x'))).toBe(true);
  await git.revert({ ...request, ...redo, keepAs: null }, signal);
  expect([existsSync(join(root, 'd')), existsSync(join(root, 'd/x'))]).toEqual([true, false]);
});
