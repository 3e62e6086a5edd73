import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPerson, noTemporal, temporalProgram } from '../person.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';

/** A clone that brings a data folder, with a program that leaves a marker. */
function plantClone({ root }: EscapePlace): { clone: string; marker: string } {
  const [clone, marker] = [join(root, 'clone'), join(root, 'marker')];
  mkdirSync(join(clone, '.bobbin'), { recursive: true });
  const server = { command: 'sh', args: ['-c', `touch '${marker}'; sleep 5`], required: true };
  writeFileSync(join(clone, '.bobbin', 'mcp.json'), JSON.stringify({ mcpServers: { planted: server } }));
  return { clone, marker };
}

export const rows: EscapeRow[] = [
  {
    row: 4,
    tried: 'a clone brings `.bobbin/mcp.json`, and `bobbin dev` is started in it',
    heldBy:
      'nothing is read from a `.bobbin` in a workspace; `bobbin data import` shows it and takes programs only with `--with-mcp`',
    async attack(place) {
      const temporal = await temporalProgram();
      if (temporal === null) return noTemporal;
      const { clone, marker } = plantClone(place);
      const person = createPerson(place);
      const ran = await person.bobbin(clone, ['dev', '--once', 'say: hi'], { BOBBIN_TEMPORAL: temporal });
      if (ran.code !== 0) throw new Error(ran.output);
      return heldUnless(existsSync(marker) && 'the program of the clone was started');
    },
  },
  {
    row: 4,
    tried: 'the same clone, imported as data without a word on its programs',
    heldBy: '`mcp.json` is left out of an import unless `--with-mcp` is given',
    async attack(place) {
      const { clone } = plantClone(place);
      const person = createPerson(place);
      await person.bobbin(clone, ['data', 'import']);
      if (existsSync(person.data)) return { type: 'broken', what: 'something was copied unasked' };
      const { code, output } = await person.bobbin(clone, ['data', 'import', '--yes']);
      if (code !== 0) throw new Error(output);
      return heldUnless(existsSync(join(person.data, 'mcp.json')) && 'mcp.json was copied');
    },
  },
];
