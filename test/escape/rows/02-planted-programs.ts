import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { findProgram, toSearchPath } from '../../../src/adapters/programs.ts';
import { runGit } from '../../../src/adapters/git/process/git-process.ts';
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
  {
    row: 2,
    tried: 'a command puts `git` where PATH leads into its workspace, and a step of another thread starts it',
    heldBy: 'no program is taken from a virtual environment, or from any workspace that commands ever wrote in',
    attack: (place) => plantForOthers(place).then(heldUnless),
  },
  {
    row: 2,
    tried: 'a library lies where `LD_LIBRARY_PATH` of the worker leads into the workspace, for git and for bubblewrap',
    heldBy: 'variables by which programs load something are set within the sandbox only',
    async attack(place) {
      const before = process.env;
      const attacker = createAttacker(place);
      const folder = join(attacker.workspace, 'lib');
      mkdirSync(folder);
      for (const name of ['libc.so.6', 'libz.so.1', 'libselinux.so.1']) writeFileSync(join(folder, name), 'no library');
      process.env = { ...before, LD_LIBRARY_PATH: folder, LD_PRELOAD: '', BOBBIN_COMMAND_ENV: 'LD_LIBRARY_PATH' };
      try {
        await runGit(['version'], { cwd: attacker.workspace, signal: place.signal });
        const { output } = await attacker.run('true; echo done');
        return heldUnless(/bwrap|perl/.test(output) && output);
      } catch (error) {
        return heldUnless(String(error));
      } finally {
        process.env = before;
      }
    },
  },
];

/** The folder of a virtual environment, and one that a thread of an earlier worker wrote in, both on PATH. */
async function plantForOthers(place: EscapePlace): Promise<string | undefined> {
  const attacker = createAttacker(place);
  const marker = join(place.root, 'data', 'ran-outside');
  const other = join(place.root, 'other');
  mkdirSync(other);
  const folders = [join(attacker.workspace, '.venv/bin'), join(attacker.workspace, 'tools')];
  mkdirSync(join(attacker.workspace, '.venv'));
  writeFileSync(join(attacker.workspace, '.venv/pyvenv.cfg'), 'home = /usr/bin\n');
  await attacker.run('true');
  for (const folder of folders) plant(folder, marker);
  const path = process.env['PATH'];
  process.env['PATH'] = [...folders, path].join(delimiter);
  try {
    await runGit(['version'], { cwd: other, signal: place.signal });
    const taken = NAMES.map((name) => findProgram(name, [other])).find((found) => lies(found, place));
    const searched = toSearchPath([]).includes(place.root) ? 'helpers of git would be found there' : undefined;
    return existsSync(marker) ? 'a planted program ran outside' : (taken ?? searched);
  } finally {
    process.env['PATH'] = path;
  }
}

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
