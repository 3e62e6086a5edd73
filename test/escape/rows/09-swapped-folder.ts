import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { startSwapper } from '../../../src/adapters/files/test-swapper.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';

const PATCHES = 300;

export const rows: EscapeRow[] = [
  {
    row: 9,
    tried: 'a process swaps a folder for a symbolic link again and again, while patches add files to it',
    heldBy: 'patches open folders name by name without following links, and write relative to the open folder',
    attack: (place) => patchWhileSwapping(place, (file) => [`*** Add File: folder/deep/added-${file}`, '+mine']),
  },
  {
    row: 9,
    tried: 'the same, while patches change its files',
    heldBy: 'the same',
    attack: (place) => patchWhileSwapping(place, (file) => [`*** Update File: folder/${file}`, '-theirs', '+mine']),
  },
  {
    row: 9,
    tried: 'the same, while patches remove its files',
    heldBy: 'the same',
    attack: (place) => patchWhileSwapping(place, (file) => [`*** Delete File: folder/${file}`]),
  },
];

async function patchWhileSwapping(place: EscapePlace, toLines: (file: string) => string[]): Promise<Outcome> {
  const cwd = join(place.root, 'workspace');
  const outside = join(place.root, 'outside');
  const files = Array.from({ length: PATCHES }, (_, count) => `file-${String(count)}`);
  for (const folder of [join(cwd, 'folder'), outside]) {
    mkdirSync(folder, { recursive: true });
    for (const file of files) writeFileSync(join(folder, file), 'theirs\n');
  }
  await patchAll(cwd, outside, files.map(toLines), place.signal);
  const strange = readdirSync(outside).filter((name) => !files.includes(name));
  const lost = files.filter((file) => !isTheirs(join(outside, file)));
  return heldUnless(
    [...strange, ...lost].length > 0 && `files outside were touched: ${[...strange, ...lost].join(', ')}`,
  );
}

async function patchAll(cwd: string, outside: string, patches: string[][], signal: AbortSignal): Promise<void> {
  const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
  const swapper = await startSwapper(join(cwd, 'folder'), outside);
  try {
    for (const lines of patches) {
      const patch = ['*** Begin Patch', ...lines, '*** End Patch'].join('\n');
      // Some are refused, which is as good as being applied inside.
      await createPatcher()
        .apply(patch, { cwd, sandbox }, signal)
        .catch(() => undefined);
    }
  } finally {
    await swapper.stop();
  }
}

function isTheirs(path: string): boolean {
  try {
    return readFileSync(path, 'utf8') === 'theirs\n';
  } catch {
    return false;
  }
}
