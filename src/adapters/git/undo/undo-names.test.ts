import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type TestRepository } from '../test-repository.ts';
import { useGit } from './test-turn.ts';

const { data, git, signal, open, takeTurn } = useGit();

async function undo({ root }: TestRepository, turn: () => void) {
  const request = await takeTurn(root, turn);
  return { ...(await git.revert({ ...request, keepAs: null, preview: false }, signal)), before: request.before };
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
  const repository = open({ '.gitignore': 'out/\n', 'a.txt': 'a\n' });
  repository.write('out/deep/file', 'before\n');
  const { notUndone } = await undo(repository, () => repository.write('out/deep/file', 'by the turn\n'));
  expect(notUndone).toEqual(['Ignored folders, in which files may have changed: out/']);
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
  const request = { ...(await takeTurn(root, () => repository.remove('d/x'))), preview: false };
  const { redo } = await git.revert({ ...request, keepAs: { threadId: 't', name: 'n' } }, signal);
  if (redo === null) throw new Error('nothing was kept');
  expect(existsSync(join(root, 'd/x'))).toBe(true);
  await git.revert({ ...request, ...redo, keepAs: null }, signal);
  expect([existsSync(join(root, 'd')), existsSync(join(root, 'd/x'))]).toEqual([true, false]);
});

it('names hard links that the turn or the undo parts, and those that the turn made', async () => {
  const repository = open({
    'edited/a': 'a\n',
    'same/a': 'c\n',
    'joined/a': 'd\n',
    'joined/b': 'd\n',
  });
  const at = (path: string) => join(repository.root, path);
  for (const name of ['edited', 'same', 'left']) {
    repository.write(`${name}/a`, `${name}\n`);
    linkSync(at(`${name}/a`), at(`${name}/b`));
  }
  const { notUndone } = await undo(repository, () => {
    writeFileSync(at('edited/a'), 'by the turn\n');
    repository.remove('same/b');
    repository.write('same/b', 'same\n');
    repository.remove('joined/b');
    linkSync(at('joined/a'), at('joined/b'));
    linkSync(at('left/a'), at('left/new'));
  });
  expect(notUndone).toEqual([
    'Hard links that may be separate files now: edited/a, edited/b, same/a, same/b',
    'Separate files that the turn made hard links of one file: joined/a, joined/b',
  ]);
  expect(readFileSync(at('edited/b'), 'utf8')).toBe('edited\n');
});

it('names a file whose other link is outside of the workspace, also in a redo', async () => {
  const repository = open({ 'a.txt': 'a\n' });
  linkSync(join(repository.root, 'a.txt'), join(data, 'outside'));
  const request = await takeTurn(repository.root, () => writeFileSync(join(repository.root, 'a.txt'), 'by the turn\n'));
  const keepAs = { threadId: 't', name: 'linked' };
  const { notUndone, redo } = await git.revert({ ...request, keepAs, preview: false }, signal);
  expect(notUndone).toEqual(['Hard links that may be separate files now: a.txt']);
  expect(readFileSync(join(data, 'outside'), 'utf8')).toBe('by the turn\n');
  if (redo === null) throw new Error('nothing was kept');
  const again = await git.revert({ cwd: request.cwd, ...redo, keepAs: null, preview: false }, signal);
  expect(again.notUndone).toEqual(['Hard links that may be separate files now: a.txt']);
});
