import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { SandboxPolicy } from '../../../activities/ports.ts';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { createGit } from '../../../src/adapters/git/git.ts';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const FILES = [
  'temporal.db',
  'dev.json',
  'archive/one.segment',
  'rules/one.json',
  'keys/one.json',
  'sandboxes/other/tmp/x',
];

/** The folder that the attacker's own runner uses, in the workspace, where a person may have put it. */
function plantData(place: EscapePlace): { data: string; closed: string[]; workspace: string } {
  const workspace = realpathSync(place.root);
  const data = join(workspace, 'data');
  for (const file of FILES) {
    mkdirSync(join(data, file, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(join(data, file), 'MARKER');
  }
  symlinkSync(data, join(workspace, 'link'));
  return { data, workspace, closed: readWorkerConfig({ BOBBIN_DATA_DIR: data }, 'none').closedFolders };
}

const untouched = (data: string) => FILES.every((file) => readFileSync(join(data, file), 'utf8') === 'MARKER');

/** With the temporary folder of the machine in a workspace; the names that the worker's git makes there. */
async function makeInTemp({ root, signal }: EscapePlace): Promise<string[]> {
  const workspace = join(root, 'workspace');
  const temp = join(workspace, 'tmp');
  mkdirSync(temp, { recursive: true });
  for (const args of [
    ['init', '-q', '-b', 'main'],
    ['commit', '-q', '--allow-empty', '-m', 'one'],
  ])
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@a', ...args], { cwd: workspace });
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = temp;
  const made: string[] = [];
  const watcher = watch(temp, (_, name) => void made.push(String(name)));
  try {
    const git = createGit({ directory: join(root, 'data') });
    await git.pinChanges(workspace, { type: 'uncommittedChanges' }, signal);
    writeFileSync(join(temp, 'last'), '');
    while (!made.includes('last')) await setImmediate();
    return made.filter((name) => name !== 'last');
  } finally {
    watcher.close();
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

export const rows: EscapeRow[] = [
  {
    row: 3,
    tried: 'a command changes the private git directory of the worker, if the temporary folder lies in its workspace',
    heldBy: 'temporary folders of the worker lie in the data folder, wherever `TMPDIR` leads',
    attack: (place) =>
      makeInTemp(place).then((made) => heldUnless(made.length > 0 && `${made.join(', ')} was made in the workspace`)),
  },
  {
    row: 3,
    tried:
      'a command reads or writes the database, the archive, the answers or the keys, where they lie in its workspace',
    heldBy: 'the whole data folder is empty inside every sandbox, wherever it lies',
    async attack(place) {
      const { data, workspace, closed } = plantData(place);
      const attacker = createAttacker(place, closed, workspace);
      for (const mode of ['read-only', 'workspace-write'] as const) {
        const { output } = await attacker.run('cat data/* data/*/* link/* link/*/*; grep -r MARKER . ; true', mode);
        if (output.includes('MARKER')) return { type: 'broken', what: `a file of it was printed in ${mode}` };
      }
      await attacker.run(
        `for f in ${FILES.join(' ')}; do echo PLANTED > data/$f; echo PLANTED > link/$f; done; rm -rf data link/*`,
      );
      return heldUnless(!untouched(data) && 'a file of it was changed');
    },
  },
  {
    row: 3,
    tried: 'a patch writes an answer, so that it would be given unasked',
    heldBy: 'no patch of a sandbox writes in the data folder',
    async attack(place) {
      const { data, workspace, closed } = plantData(place);
      const patcher = createPatcher({ closedFolders: closed });
      const sandbox: SandboxPolicy = { mode: 'workspace-write', writableRoots: [], networkAccess: false };
      const where = { cwd: workspace, sandbox };
      for (const path of ['data/rules/one.json', 'link/rules/one.json', 'data/mcp.json']) {
        const patch = `*** Begin Patch\n*** Delete File: ${path}\n*** Add File: ${path}\n+PLANTED\n*** End Patch`;
        await patcher.apply(patch, where, place.signal).catch(() => undefined);
        const added = `*** Begin Patch\n*** Add File: ${path}\n+PLANTED\n*** End Patch`;
        await patcher.apply(added, where, place.signal).catch(() => undefined);
      }
      return heldUnless(!untouched(data) && 'an answer was written');
    },
  },
];
