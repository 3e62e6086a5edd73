import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGit } from '../../../src/adapters/git/git.ts';
import { createReviewTargets } from '../../../src/adapters/git/targets/review-targets.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const HELD_BY =
  'reviews and batches read commits, and files beside a copy of the index, in a git directory of ours; nothing that is ' +
  'configured in a repository is read but a few plain words';
const KEYS = ['filter.x.clean', 'filter.x.smudge', 'filter.x.process', 'diff.x.textconv', 'diff.external'];
const AS_SOMEBODY = '-c user.name=A -c user.email=a@example.invalid';

export const rows: EscapeRow[] = [
  {
    row: 1,
    tried:
      'a command makes a repository with filters, drivers and a file watcher, which a review and a batch then read',
    heldBy: HELD_BY,
    attack: (place) => attackIn(place, '.'),
  },
  {
    row: 1,
    tried: 'the same in a folder of a repository, as what its submodule or its `.git` was replaced by',
    heldBy: HELD_BY,
    attack: (place) => attackIn(place, 'sub'),
  },
];

async function attackIn(place: EscapePlace, below: string) {
  const attacker = createAttacker(place);
  const marker = join(attacker.data, 'ran-outside');
  const program = join(attacker.workspace, 'planted.sh');
  writeFileSync(program, `#!/bin/sh\necho "$*" >> '${marker}'\ncat\n`);
  chmodSync(program, 0o755);
  // Only outside of a sandbox the program can leave its marker in the worker's folder.
  const made = await attacker.run(
    `set -e; git init -q .; git ${AS_SOMEBODY} commit -q --allow-empty -m one; mkdir -p ${below}; cd ${below}; git init -q .
     echo one > a.txt; echo '* filter=x diff=x' > .gitattributes; git add a.txt; git ${AS_SOMEBODY} commit -q -m one
     echo two > a.txt; git ${AS_SOMEBODY} commit -q -a -m two; echo three > a.txt; echo new > new.txt
     for key in ${KEYS.join(' ')} core.fsmonitor; do git config $key ${program}; done
     cd ${attacker.workspace}; test ${below} = . || git add ${below} 2>/dev/null; git ${AS_SOMEBODY} commit -q --allow-empty -m sub`,
  );
  if (made.exitCode !== 0) throw new Error(made.output);
  const git = createGit({ directory: '/nonexistent' });
  const targets = createReviewTargets({ directory: join(place.root, 'workspaces') });
  const { signal } = place;
  for (const cwd of [attacker.workspace, join(attacker.workspace, below)]) {
    const changes = await git.pinChanges(cwd, { type: 'uncommittedChanges' }, signal).catch(() => null);
    await git.pinChanges(cwd, { type: 'commit', sha: 'HEAD' }, signal).catch(() => null);
    if (changes !== null) await git.changedLines(cwd, changes, ['a.txt', 'new.txt'], signal);
    for (const repository of [cwd, `file://${cwd}`]) {
      const found = await targets.find({ repository }, 'target', signal);
      await targets.checkOut(found, signal);
      await targets.changedFiles(found.repository, { base: found.start, head: found.head }, signal);
    }
  }
  return heldUnless(existsSync(marker) && 'a program that the repository names ran outside of the sandbox');
}
