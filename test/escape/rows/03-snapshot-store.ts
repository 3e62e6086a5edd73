import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../../src/adapters/git/git.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';

const SECRET = 'a private key\n';

async function attack({ root, signal }: EscapePlace) {
  const workspace = join(root, 'workspace');
  const data = join(workspace, 'state');
  const keys = join(workspace, 'keys');
  for (const folder of [data, keys]) mkdirSync(folder, { recursive: true });
  for (const folder of [data, keys]) writeFileSync(join(folder, 'key.json'), SECRET);
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  execFileSync('git', ['init', '-q'], { cwd: workspace });
  const list = () => readdirSync(join(workspace, '.git'), { recursive: true, encoding: 'utf8' }).sort().join('\n');
  const before = list();
  const git = createGit({ directory: data, apart: [keys] });
  const taken = await git.snapshot(workspace, null, signal);
  if (taken.status !== 'taken') throw new Error(taken.reason);
  await git.keep({ cwd: workspace, threadId: 't', name: 'n' }, taken.commit, signal);
  if (list() !== before) return heldUnless('something of Bobbin is in the .git of the workspace');
  const [store = ''] = readdirSync(join(data, 'snapshots'));
  const args = ['--git-dir', join(data, 'snapshots', store), 'ls-tree', '-r', '--name-only', taken.commit];
  const names = execFileSync('git', args, { encoding: 'utf8' });
  return heldUnless(names.includes('key.json') && `the snapshot holds ${names.split('\n').join(' ')}`);
}

export const rows: EscapeRow[] = [
  {
    row: 3,
    tried: 'the data folder and the keys lie in the workspace; then a snapshot, and a look at its repository',
    heldBy:
      'snapshots lie in a store in the data folder, leave out every folder of the worker, and write nothing to the repository',
    attack,
  },
];
