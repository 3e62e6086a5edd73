import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createPerson, noTemporal, temporalProgram } from '../person.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

function isOpen(path: string): boolean {
  return ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}

/** The first that other users may read, write or enter. A link is as open as what it leads to. */
function findOpen(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink()) return undefined;
  if ((found.mode & 0o077) !== 0) return `${path} (${(found.mode & 0o777).toString(8)})`;
  if (!found.isDirectory()) return undefined;
  for (const name of readdirSync(path)) {
    const open = findOpen(join(path, name));
    if (open !== undefined) return open;
  }
  return undefined;
}

export const rows: EscapeRow[] = [
  {
    row: 22,
    tried:
      'a command leaves a program in the workspace that runs as the user of the worker when another user starts it',
    heldBy: 'a filter of system calls lets no command set the set-user-id and set-group-id bits',
    async attack(place) {
      const attacker = createAttacker(place);
      const makers = [
        'cp /bin/sh a && chmod 4755 a',
        'cp /bin/sh b && chmod g+s b',
        `perl -e 'use Fcntl; sysopen(my $f, "c", O_CREAT | O_WRONLY, 06755)'`,
        `perl -e 'syscall(${process.arch === 'arm64' ? '33, -100, "d", 0104755, 0' : '133, "d", 0104755, 0'})'`,
      ];
      await attacker.run(makers.join('\n'));
      const made = readdirSync(attacker.workspace);
      const set = made.filter((name) => (lstatSync(join(attacker.workspace, name)).mode & 0o6000) !== 0);
      const { output } = await attacker.run(
        'chmod 755 a && install -m 0700 a e && mkdir -p f && chmod 1777 f && echo fine',
      );
      if (!output.includes('fine')) throw new Error(`What is harmless does not work: ${output}`);
      return heldUnless(set.length > 0 && `${set.join(', ')} run as the user of the worker`);
    },
  },
  {
    row: 22,
    tried: 'another local user reads conversations, answers and keys, where the umask is 022',
    heldBy:
      'folders are made 0700 and files 0600, the database of the service among them; what is there and open is closed, what belongs to another user is refused',
    async attack(place) {
      const temporal = await temporalProgram();
      if (temporal === null) return noTemporal;
      const person = createPerson(place);
      const workspace = join(place.root, 'workspace');
      mkdirSync(workspace);
      const env = { BOBBIN_TEMPORAL: temporal };
      const ran = await person.bobbin(workspace, ['dev', '--once', 'run: echo hello'], env);
      if (ran.code !== 0) throw new Error(ran.output);
      const names = readdirSync(person.data);
      for (const needed of ['temporal.db', 'keys', 'host.json', 'commands', 'worker.log', 'dev.json'])
        if (!names.includes(needed)) throw new Error(`There is no ${needed} to look at, only ${names.join(', ')}`);
      // What Node.js keeps below the last one has its own modes; nobody else gets there.
      const compiled = join(person.cache, 'compiled');
      return heldUnless(findOpen(person.data) ?? [`${person.data}-workspaces`, compiled].find(isOpen));
    },
  },
];
