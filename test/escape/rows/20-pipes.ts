import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../../src/adapters/git/git.ts';
import { runGit } from '../../../src/adapters/git/process/git-process.ts';
import { type EscapePlace, type EscapeRow, held, heldUnless } from '../row.ts';

async function attack({ root, signal }: EscapePlace) {
  const workspace = join(root, 'workspace');
  mkdirSync(join(workspace, '.git/refs/heads'), { recursive: true });
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  for (const name of ['.gitattributes', '.gitignore', 'pipe', '.git/HEAD', '.git/index', '.git/config'])
    execFileSync('mkfifo', [join(workspace, name)]);
  const git = createGit({ directory: join(root, 'data') });
  const first = await git.snapshot(workspace, null, signal);
  if (first.status !== 'taken') return heldUnless(first.reason);
  writeFileSync(join(workspace, 'a.txt'), 'two\n');
  const second = await git.snapshot(workspace, first.commit, signal);
  if (second.status !== 'taken') return heldUnless(second.reason);
  const request = { cwd: workspace, before: first.commit, after: second.commit, preview: false, keepAs: null };
  const { paths } = await git.revert(request, signal);
  return heldUnless(paths.length !== 1 && `the undo saw ${paths.length} paths`);
}

async function attackGit({ root, signal }: EscapePlace) {
  execFileSync('git', ['init', '-q', root]);
  writeFileSync(join(root, 'a.txt'), 'one\n');
  execFileSync('mkfifo', [join(root, '.gitattributes')]);
  const hanging = runGit(['add', 'a.txt'], { cwd: root, signal, deadlineMs: 500 });
  return hanging.then(
    () => heldUnless('git did not read .gitattributes, so nothing was tried'),
    () => held,
  );
}

/** An index of version 4, each name of which is the one before and one more letter: a megabyte that says gigabytes. */
function growingIndex(count: number): Buffer {
  const header = Buffer.alloc(12);
  header.write('DIRC');
  header.writeUInt32BE(4, 4);
  header.writeUInt32BE(count, 8);
  const entry = Buffer.alloc(65);
  entry.writeUInt32BE(0o100644, 24);
  entry.writeUInt16BE(0xfff, 60);
  entry.write('a', 63);
  return Buffer.concat([header, ...Array.from({ length: count }, () => entry)]);
}

async function attackMemory({ root, signal }: EscapePlace) {
  const workspace = join(root, 'workspace');
  mkdirSync(join(workspace, '.git/refs/heads'), { recursive: true });
  mkdirSync(join(workspace, '.git/objects'));
  writeFileSync(join(workspace, '.git/HEAD'), 'ref: refs/heads/main\n');
  writeFileSync(join(workspace, '.git/index'), growingIndex(20_000));
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  const before = process.memoryUsage().rss;
  const made = await createGit({ directory: join(root, 'data') }).snapshot(workspace, null, signal);
  const grown = (process.memoryUsage().rss - before) >> 20;
  return heldUnless(made.status !== 'taken' ? made.reason : grown > 100 && `it took ${grown} MB`);
}

export const rows: EscapeRow[] = [
  {
    row: 20,
    tried: 'a small `.git/index` unfolds to gigabytes in the worker, which reads it before a turn',
    heldBy: 'names are read up to the longest path that there can be, and up to a bound of all together',
    attack: attackMemory,
  },
  {
    row: 20,
    tried: '`mkfifo .gitattributes .gitignore .git/HEAD` and others in the workspace, then a snapshot and an undo',
    heldBy: 'files of the workspace are opened without waiting, and only if they are regular ones',
    attack,
  },
  {
    row: 20,
    tried: 'the same for a git process of the worker',
    heldBy: 'every git process has a deadline, after which it and its helpers are ended',
    attack: attackGit,
  },
];
