import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readWorkerConfig } from '../../../src/worker/config.ts';
import { createPerson } from '../person.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const filesBelow = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .map((name) => join(folder, name))
        .filter((path) => statSync(path).isFile())
    : [];

export const rows: EscapeRow[] = [
  {
    row: 5,
    tried:
      'a command, or another user, rewrites the compiled code of the `bobbin` command in the shared temporary folder',
    heldBy: 'it lies in a private folder of the person, which no sandbox sees even where the workspace is the home',
    async attack(place) {
      const person = createPerson(place);
      const shared = join(place.root, 'shared');
      mkdirSync(shared);
      chmodSync(shared, 0o1777);
      await person.bobbin(person.home, ['--help'], { TMPDIR: shared });
      if (readdirSync(shared).length > 0)
        return { type: 'broken', what: `${readdirSync(shared)[0] ?? ''} in the shared folder` };
      const compiled = filesBelow(join(person.cache, 'compiled'));
      if (compiled.length === 0) return { type: 'notTried', why: 'this Node.js keeps no compiled code' };
      const env = {
        HOME: person.home,
        XDG_DATA_HOME: join(person.home, 'data'),
        XDG_CACHE_HOME: join(person.home, 'cache'),
      };
      const marker = `marker-${randomUUID()}`;
      const attacker = createAttacker(place, readWorkerConfig(env, 'none').closedFolders, person.home);
      await attacker.run(
        `for f in $(find '${person.cache}' -type f); do echo ${marker} >> "$f"; done; rm -rf '${person.cache}'/*`,
      );
      const changed = compiled.find((path) => !existsSync(path) || readFileSync(path).includes(marker));
      return heldUnless(changed !== undefined && `${changed} was changed`);
    },
  },
  {
    row: 5,
    tried: 'another user puts a `temporal` program, or compiled code, in a cache that others may write',
    heldBy: 'code is loaded from a cache only if it and all folders above it are closed to other users',
    async attack(place) {
      const person = createPerson(place);
      const [marker, folder] = [join(place.root, 'marker'), join(person.cache, 'temporal-sdk')];
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, 'temporal'),
        `#!/bin/sh\ntouch '${marker}'\necho 'temporal version 1.5.1 (Server 1.29.1)'\n`,
        { mode: 0o755 },
      );
      chmodSync(person.cache, 0o777);
      await person.bobbin(person.home, ['doctor']);
      if (existsSync(marker)) return { type: 'broken', what: 'the planted program was run' };
      return heldUnless(
        filesBelow(join(person.cache, 'compiled')).length > 0 && 'compiled code was kept where others write',
      );
    },
  },
];
