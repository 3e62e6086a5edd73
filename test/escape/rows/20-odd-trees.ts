import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createGit } from '../../../src/adapters/git/git.ts';
import { type EscapePlace, type EscapeRow, type Outcome, held } from '../row.ts';

const DEEP = `import os
for _ in range(300):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
open("f", "w")`;

/** Takes a snapshot, which has to say what it left out, and must not hold up heartbeats for long. */
async function snapshot({ root, signal }: EscapePlace, plant: (workspace: string) => void): Promise<Outcome> {
  const workspace = join(root, 'workspace');
  mkdirSync(workspace);
  writeFileSync(join(workspace, 'a.txt'), 'one\n');
  plant(workspace);
  const before = performance.eventLoopUtilization();
  const taken = await createGit({ directory: join(root, 'data') }).snapshot(workspace, null, signal);
  if (taken.status !== 'taken') return { type: 'broken', what: taken.reason };
  if (taken.warnings.length === 0) return { type: 'broken', what: 'nothing says that something was left out' };
  const { active } = performance.eventLoopUtilization(before);
  return active > MAX_BUSY_MS ? { type: 'broken', what: `${Math.round(active)} ms of work` } : held;
}

/** A bound for machines that are slow, and far below what it takes without one. */
const MAX_BUSY_MS = 20_000;

export const rows: EscapeRow[] = [
  {
    row: 20,
    tried: 'folders in each other that are too deep for a path, then a snapshot',
    heldBy: 'what no path reaches, and what lies in more than 128 folders, is left out and named',
    attack: (place) => snapshot(place, (cwd) => void execFileSync('python3', ['-c', DEEP], { cwd })),
  },
  {
    row: 20,
    tried: 'a `.gitignore` of 1 MB whose patterns take long to match, then a snapshot',
    heldBy:
      'of the ignore files for a folder 100,000 bytes count, patterns match in bounded time, and work gives way to heartbeats',
    attack: (place) =>
      snapshot(place, (cwd) => {
        writeFileSync(join(cwd, '.gitignore'), `${'a*'.repeat(40)}b\n`.repeat(12_000));
        for (let n = 0; n < 100; n++) writeFileSync(join(cwd, `${'a'.repeat(100)}${n}`), '');
      }),
  },
];
