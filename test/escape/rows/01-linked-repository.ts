import { execFileSync } from 'node:child_process';
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../../src/adapters/git/git.ts';
import { type EscapeRow, held, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

export const rows: EscapeRow[] = [
  {
    row: 1,
    tried:
      'a command puts a repository with filters in the place of a `.git` that is a symbolic link, for the git of a person',
    heldBy: 'the link is covered by a read-only mount, which the kernel neither moves nor removes',
    async attack(place) {
      const attacker = createAttacker(place);
      const [link, target] = [join(attacker.workspace, '.git'), join(place.root, 'store')];
      mkdirSync(target);
      symlinkSync(target, link);
      const { output } = await attacker.run(
        'rm -f .git; mv .git aside; mv -T . ../aside; ln -sfn . .git; git init -q && git config filter.x.clean touch; echo tried',
      );
      if (!output.includes('tried')) return { type: 'broken', what: `the command did not run: ${output}` };
      return heldUnless(readLink(link) !== target && 'the link was replaced');
    },
  },
  {
    row: 16,
    tried:
      'a command makes `.git` name a repository in a folder that it cannot read, which a review then shows to a model',
    heldBy: 'no part of a repository counts that lies in such a folder, unless it has registered the work tree',
    async attack(place) {
      const closed = join(place.root, 'closed');
      const victim = join(closed, 'repository');
      mkdirSync(victim, { recursive: true });
      writeFileSync(join(victim, 'secret'), 'MARKER\n');
      const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid'];
      for (const args of [
        ['init', '-q'],
        ['add', '-A'],
        ['commit', '-q', '-m', 'One'],
      ])
        execFileSync('git', [...who, ...args], { cwd: victim });
      const attacker = createAttacker(place, [closed]);
      const git = createGit({ directory: attacker.data, closed: [closed] });
      const store = join(victim, '.git');
      const head = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: victim, encoding: 'utf8' }).trim();
      for (const lead of [
        `echo 'gitdir: ${store}' > .git`,
        `ln -s '${store}' .git`,
        commonDirOf(store),
        borrow(store, head),
      ]) {
        await attacker.run(`rm -rf .git; ${lead}`);
        const seen = await git
          .pinChanges(attacker.workspace, { type: 'uncommittedChanges' }, place.signal)
          .catch(() => undefined);
        if (seen !== undefined) return { type: 'broken', what: `a review saw ${seen.files.join(', ')} by ${lead}` };
        await attacker.run('rm -rf .git', 'danger-full-access');
      }
      return held;
    },
  },
];

function borrow(store: string, head: string): string {
  return `git init -q && echo '${store}/objects' > .git/objects/info/alternates && echo ${head} > .git/HEAD`;
}

function commonDirOf(store: string): string {
  return `git init -q && echo '${store}' > .git/commondir`;
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
