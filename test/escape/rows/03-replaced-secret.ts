import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { type EscapePlace, type EscapeRow, heldUnless } from '../row.ts';

const NAMES = ['replaced', 'made'];

export const rows: EscapeRow[] = [
  {
    row: 3,
    tried: 'a command waits until a hidden file is replaced outside, or made, and reads it and writes to it then',
    heldBy: 'hidden paths are compared four times a second while a command runs, and covered again in its sandbox',
    async attack(place) {
      const workspace = join(place.root, 'workspace');
      mkdirSync(workspace, { recursive: true });
      writeFileSync(join(workspace, 'replaced'), 'old');
      // Not what it sees before the next look, which is documented.
      const wait = NAMES.map((name) => `until [ -z "$(cat ${name} 2>&1)" ]; do sleep 0.02; done`).join('; ');
      const read = NAMES.map((name) => `cat ${name}; echo stolen > ${name}; rm -f ${name}`).join('; ');
      const report = await run(place, workspace, `echo begun; until [ -e go ]; do sleep 0.02; done; ${wait}; ${read}`);
      const changed = NAMES.filter((name) => !existsSync(join(workspace, name)) || text(workspace, name) !== 'secret');
      if (report.outcome !== 'exited') return heldUnless(`it was not hidden again: ${report.output}`);
      return heldUnless(report.output.includes('secret') ? report.output : changed.join(', '));
    },
  },
];

const text = (...path: string[]) => readFileSync(join(...path), 'utf8');

function run(place: EscapePlace, workspace: string, command: string) {
  const deniedPaths = NAMES.map((name) => join(workspace, name));
  const runner = createCommandRunner({ stateDirectory: join(place.root, 'data'), deniedPaths });
  const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
  const ids = { commandId: randomUUID(), threadId: 'attacker', command, cwd: workspace, workspace };
  let acted = false;
  const onOutput = ({ text: output }: { text: string }): void => {
    if (acted || !output.includes('begun')) return;
    acted = true;
    for (const name of NAMES) {
      writeFileSync(join(workspace, 'new'), 'secret');
      renameSync(join(workspace, 'new'), join(workspace, name));
    }
    writeFileSync(join(workspace, 'go'), '');
  };
  return runner.run({ ...ids, sandbox, timeoutMs: 20_000, maxOutputBytes: 16_384 }, { signal: place.signal, onOutput });
}
