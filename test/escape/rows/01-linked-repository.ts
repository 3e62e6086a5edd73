import { mkdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type EscapeRow, heldUnless } from '../row.ts';
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
];

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
