import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

export const rows: EscapeRow[] = [
  {
    row: 3,
    tried: 'a command reads the private keys of the worker',
    heldBy: 'the folder of the keys is empty inside every sandbox',
    async attack(place) {
      const keys = join(place.root, 'data', 'keys');
      mkdirSync(keys, { recursive: true });
      writeFileSync(join(keys, 'identity.json'), 'MARKER');
      const { output } = await createAttacker(place, [keys]).run(`cat '${join(keys, 'identity.json')}'`);
      return heldUnless(output.includes('MARKER') && 'the key was printed');
    },
  },
];
