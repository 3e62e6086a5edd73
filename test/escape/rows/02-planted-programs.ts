import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findProgram } from '../../../src/adapters/programs.ts';
import { runGit } from '../../../src/adapters/git/git-process.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

/** Everything that the worker starts by a name. */
const NAMES = ['git', 'bwrap', 'bash', 'mkfifo', 'sh', 'node', 'npx', 'temporal', 'go'];

export const rows: EscapeRow[] = [
  {
    row: 2,
    tried: 'a command puts `git`, `bwrap` and other programs where PATH is searched first, and waits for the next step',
    heldBy: 'programs are found once, as absolute paths, never in a `node_modules`, a relative entry or the workspace',
    async attack(place) {
      const attacker = createAttacker(place);
      const marker = join(place.root, 'data', 'ran-outside');
      const folders = ['node_modules/.bin', 'bin'].map((name) => join(attacker.workspace, name));
      for (const folder of folders) plant(folder, marker);
      const path = process.env['PATH'];
      process.env['PATH'] = [...folders, 'bin', '', path].join(delimiter);
      try {
        await attacker.run('true', 'danger-full-access');
        await attacker.run('true', 'read-only').catch(() => undefined);
        await runGit(['version'], { cwd: attacker.workspace, signal: place.signal });
        const taken = NAMES.map((name) => findProgram(name, [attacker.workspace])).find((found) => lies(found, place));
        return heldUnless(existsSync(marker) ? 'a planted program ran outside' : taken && `${taken} would be started`);
      } finally {
        process.env['PATH'] = path;
      }
    },
  },
];

function plant(folder: string, marker: string): void {
  mkdirSync(folder, { recursive: true });
  for (const name of NAMES) {
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\necho "$0" >> '${marker}'\nexit 1\n`);
    chmodSync(file, 0o755);
  }
}

function lies(found: string | undefined, place: EscapePlace): boolean {
  return found?.startsWith(place.root) ?? false;
}
