import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXITED, exec, testThread } from '../../../workflows/thread/testing/fixtures.ts';
import { type EscapeRow, held, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const COMMANDS = ['git status --short', 'git diff', 'git log -p --stat', 'ls; git status'];

export const rows: EscapeRow[] = [
  {
    row: 1,
    tried:
      'a commit has files that make a folder look like a repository with a file watcher, and a model looks at it where that folder, or one in it, is the workspace',
    heldBy:
      'git in a command that nobody is asked about takes no such folder for a repository (`safe.bareRepository`), and is not started there, for a git that does not know that',
    async attack(place) {
      const top = join(place.root, 'repository');
      const marker = join(top, 'sub', 'inner', 'marker');
      plant(top);
      for (const workspace of [join(top, 'sub'), join(top, 'sub', 'inner')]) {
        const attacker = createAttacker(place, [], workspace);
        for (const command of COMMANDS) {
          const thread = testThread({ approvalPolicy: 'untrusted', sandbox: 'workspace-write', cwd: workspace });
          thread.submit('a');
          thread.answer(exec(command));
          for (const { id, input } of thread.steps('execCommand')) {
            await attacker.run(input.command ?? '', input.sandbox, 'attacker', input.unasked).catch(() => undefined);
            thread.done('execCommand', EXITED, id);
          }
          if (existsSync(marker)) return heldUnless(`${command} ran the file watcher, unasked`);
        }
      }
      // A command that a person has seen runs it, so that it is this which holds.
      await createAttacker(place, [], join(top, 'sub')).run('git status');
      return existsSync(marker) ? held : { type: 'notTried', why: 'this git takes no folder for a repository' };
    },
  },
];

/** The names of a repository's own files cannot be committed, those of a bare one can. */
function plant(top: string): void {
  const sub = join(top, 'sub');
  mkdirSync(join(sub, 'inner'), { recursive: true });
  const git = (...args: string[]) => execFileSync('git', args, { cwd: sub });
  git('init', '-q', '--bare', '.');
  rmSync(join(sub, 'hooks'), { recursive: true, force: true });
  const watcher = join(sub, 'watcher');
  writeFileSync(watcher, `#!/bin/sh\necho ran > '${join(sub, 'inner', 'marker')}'\nexit 1\n`);
  chmodSync(watcher, 0o755);
  writeFileSync(
    join(sub, 'config'),
    `[core]\n\trepositoryformatversion = 0\n\tworktree = ${sub}\n\tfsmonitor = ${watcher}\n`,
  );
  execFileSync('git', ['init', '-q'], { cwd: top });
}
