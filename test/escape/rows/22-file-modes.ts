import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createPerson, noTemporal, temporalProgram } from '../person.ts';
import { type EscapeRow, heldUnless } from '../row.ts';

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
      for (const needed of ['temporal.db', 'keys', 'rules', 'commands', 'worker.log', 'dev.json'])
        if (!names.includes(needed)) throw new Error(`There is no ${needed} to look at, only ${names.join(', ')}`);
      // What Node.js keeps below the last one has its own modes; nobody else gets there.
      const compiled = join(person.cache, 'compiled');
      return heldUnless(findOpen(person.data) ?? [`${person.data}-workspaces`, compiled].find(isOpen));
    },
  },
];
