import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findOwnSettings } from '../../../src/folders/own-settings.ts';
import { runGit } from '../../../src/adapters/git/process/git-process.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

export const rows: EscapeRow[] = [
  {
    row: 4,
    tried:
      'the workspace is the home, or `~/.gitconfig` leads into it; a command names a program there that git runs for a fetch',
    heldBy: 'a workspace with settings of the user is refused in `workspace-write`, before the model is asked',
    async attack(place) {
      for (const file of ['.gitconfig', 'dotfiles/gitconfig']) {
        const ran = await configure(place, file);
        if (ran) return heldUnless(`${file} of the home was written, and git ran what it names`);
      }
      return heldUnless(false);
    },
  },
];

/** Whether git ran what a command of a sandbox wrote to this file. */
async function configure(place: EscapePlace, file: string): Promise<boolean> {
  const home = join(place.root, file.replace('/', '-'));
  const [workspace, marker] = [dirname(join(home, file)), join(place.root, 'marker')];
  mkdirSync(workspace, { recursive: true });
  if (file !== '.gitconfig') {
    writeFileSync(join(home, file), '');
    symlinkSync(file, join(home, '.gitconfig'));
  }
  if (findOwnSettings(workspace, { HOME: home }) !== undefined) return false;
  const attacker = createAttacker(place, [], workspace);
  await attacker.run(`printf '[core]\\n\\tsshCommand = touch ${marker};false\\n' > '${join(home, file)}'`);
  const before = process.env;
  process.env = { ...before, HOME: home };
  const remote = { transports: ['ssh'], signIn: true };
  const fetch = ['ls-remote', 'ssh://git@127.0.0.1/none'];
  await runGit(fetch, { cwd: place.root, signal: place.signal, remote, deadlineMs: 5_000 }).catch(() => undefined);
  process.env = before;
  return existsSync(marker);
}
