import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { followLinks } from '../../../src/folders/real-path.ts';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
const heldBy = 'a thread keeps the real path that its workspace had when it began, and each step refuses another one';

export const rows: EscapeRow[] = [
  {
    row: 9,
    tried:
      'a command puts a link to keys in the place of a folder in its workspace, in which a second thread runs commands',
    heldBy,
    async attack(place) {
      const { outside, inner, root } = await replaceWorkspace(place);
      const ran = await createCommandRunner({ stateDirectory: join(place.root, 'data') })
        .run(
          {
            ...{ commandId: 'second', threadId: 'second', cwd: inner, workspace: inner, root, sandbox },
            ...{ command: 'cat secret; echo MARKER > planted', timeoutMs: 20_000, maxOutputBytes: 4_000 },
          },
          { signal: place.signal, onOutput: () => undefined },
        )
        .catch(() => ({ output: '' }));
      if (ran.output.includes('SECRET')) return { type: 'broken', what: 'the secret was read' };
      return heldUnless(existsSync(join(outside, 'planted')) && 'a file was written outside');
    },
  },
  {
    row: 9,
    tried: 'a command puts a link in the place of a folder in its workspace, in which a second thread applies a patch',
    heldBy,
    async attack(place) {
      const { outside, inner, root } = await replaceWorkspace(place);
      const patch = '*** Begin Patch\n*** Update File: secret\n-SECRET\n+MARKER\n*** End Patch';
      await createPatcher()
        .apply(patch, { cwd: inner, root, sandbox }, place.signal)
        .catch(() => undefined);
      return heldUnless(readFileSync(join(outside, 'secret'), 'utf8') !== 'SECRET\n' && 'a file outside was changed');
    },
  },
];

/** Two threads have begun, one on a folder and one on a folder in it; then a command of the first one swaps the latter. */
async function replaceWorkspace(place: EscapePlace): Promise<{ outside: string; inner: string; root: string }> {
  const outside = join(place.root, 'outside');
  const attacker = createAttacker(place);
  const inner = join(attacker.workspace, 'inner');
  for (const folder of [outside, inner]) mkdirSync(folder);
  writeFileSync(join(outside, 'secret'), 'SECRET\n');
  const root = followLinks(inner);
  await attacker.run(`mv inner moved && ln -s '${outside}' inner`);
  if (followLinks(inner) === root) throw new Error('the folder was not replaced');
  return { outside, inner, root };
}
