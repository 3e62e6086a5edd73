import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSwapper } from '../../../src/adapters/files/test-swapper.ts';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { type EscapeRow, heldUnless } from '../row.ts';

/** Most find a link in the place of the folder, and do not start. */
const COMMANDS = 120;

export const rows: EscapeRow[] = [
  {
    row: 9,
    tried: 'a process swaps a workspace for a symbolic link again and again, while commands run in it',
    heldBy: 'bubblewrap mounts what was opened without following links, and compares it with what it has mounted',
    async attack(place) {
      const [outside, workspace] = [join(place.root, 'outside'), join(place.root, 'around', 'workspace')];
      for (const folder of [outside, workspace]) mkdirSync(folder, { recursive: true });
      writeFileSync(join(outside, 'secret'), 'SECRET\n');
      const runner = createCommandRunner({ stateDirectory: join(place.root, 'data'), hiddenFolders: [outside] });
      const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
      const swapper = await startSwapper(workspace, outside);
      let output = '';
      for (let count = 0; count < COMMANDS; count += 1) {
        const ids = { commandId: randomUUID(), threadId: 'thread', cwd: workspace, workspace, root: workspace };
        const spec = { ...ids, sandbox, command: 'cat secret; echo MARKER > planted && echo WROTE' };
        const report = await runner
          .run(
            { ...spec, timeoutMs: 20_000, maxOutputBytes: 4_000 },
            { signal: place.signal, onOutput: () => undefined },
          )
          .catch(() => undefined);
        output += report?.output ?? '';
      }
      await swapper.stop();
      if (output.includes('SECRET')) return { type: 'broken', what: 'the secret was read' };
      return heldUnless(existsSync(join(outside, 'planted')) && 'a file was written outside');
    },
  },
];
