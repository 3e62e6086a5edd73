import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../../src/adapters/git/git.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';

const FILTERED = '* filter=x diff=x\n';

/** A repository whose configuration names a program for everything that git can be made to run. */
function plant(folder: string, program: string): void {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
  git('init', '-q');
  for (const key of ['filter.x.clean', 'filter.x.smudge', 'filter.x.process', 'diff.x.textconv', 'core.fsmonitor'])
    git('config', key, program);
  git('config', 'core.hooksPath', join(folder, '.git/hooks'));
  for (const hook of ['post-checkout', 'post-index-change', 'reference-transaction', 'fsmonitor-watchman'])
    writeFileSync(join(folder, '.git/hooks', hook), `#!/bin/sh\n'${program}'\n`, { mode: 0o755 });
}

async function attack({ root, signal }: EscapePlace) {
  const [workspace, marker, program] = ['workspace', 'marker', 'program'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(program, `#!/bin/sh\ntouch '${marker}'\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(workspace, 'sub'), { recursive: true });
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  const git = createGit({ directory: join(root, 'data') });
  const before = await taken(git.snapshot(workspace, null, signal));
  plant(workspace, program);
  plant(join(workspace, 'sub'), program);
  for (const folder of [workspace, join(workspace, 'sub')]) writeFileSync(join(folder, '.gitattributes'), FILTERED);
  writeFileSync(join(workspace, 'a.txt'), 'two\n');
  writeFileSync(join(workspace, 'sub/b.txt'), 'two\n');
  const after = await taken(git.snapshot(workspace, before, signal));
  await git.worktree({ cwd: workspace, path: join(root, 'fork'), commit: after }, signal);
  await git.revert({ cwd: workspace, before, after, preview: false, keepAs: null }, signal);
  await git.release({ cwd: workspace, threadId: 't', names: 'all' }, signal);
  return heldUnless(existsSync(marker) && `${marker}: a program that the workspace names ran outside of the sandbox`);
}

async function taken(snapshot: ReturnType<ReturnType<typeof createGit>['snapshot']>): Promise<string> {
  const made = await snapshot;
  if (made.status !== 'taken') throw new Error(made.reason);
  return made.commit;
}

export const rows: EscapeRow[] = [
  {
    row: 1,
    tried:
      '`git init` in the workspace or below it, with filters, `textconv`, `fsmonitor` and hooks; then snapshot, undo, fork',
    heldBy:
      'no git looks at a workspace for these: files are read as bytes, the index as data ([0007](decisions/0007-private-git.md))',
    attack,
  },
];
