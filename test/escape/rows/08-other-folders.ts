import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { openScratch } from '../../../src/adapters/shell/sandbox/scratch.ts';
import { type EscapeRow, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

export const rows: EscapeRow[] = [
  {
    row: 8,
    tried: 'a command writes in the workspace of another thread below /tmp, and in /tmp itself',
    heldBy: '/tmp and /var/tmp are private folders of each thread; only its own workspace is shown in them',
    async attack(place) {
      const other = join(place.root, 'other', 'workspace');
      mkdirSync(join(other, '.git', 'hooks'), { recursive: true });
      writeFileSync(join(other, 'secret'), 'MARKER');
      const name = `marker-of-${basename(place.root)}`;
      const { output } = await createAttacker(place).run(
        `cat '${other}/secret'; mkdir -p '${other}/.git/hooks'; echo > '${other}/.git/hooks/post-checkout'; ` +
          `echo > /tmp/${name}; echo > /var/tmp/${name}; ls /tmp /var/tmp`,
      );
      const written = [join(other, '.git/hooks/post-checkout'), `/tmp/${name}`, `/var/tmp/${name}`].find(existsSync);
      return heldUnless(output.includes('MARKER') ? 'the file was read' : written);
    },
  },
  {
    row: 8,
    tried: 'a thread reads what the commands of another one left in their /tmp',
    heldBy: '/tmp is a private folder of the thread',
    async attack(place) {
      const attacker = createAttacker(place);
      await attacker.run('echo MARKER > /tmp/left', 'workspace-write', 'victim');
      const [own, other] = [
        await attacker.run('cat /tmp/left', 'read-only', 'victim'),
        await attacker.run('cat /tmp/left'),
      ];
      if (!own.output.includes('MARKER')) return { type: 'broken', what: 'a thread does not find its own file again' };
      return heldUnless(other.output.includes('MARKER') && other.output);
    },
  },
  {
    row: 8,
    tried: 'a command moves a folder away from above a mount, and puts another one there',
    heldBy: 'every folder on the way to a mount is a mount, which the kernel does not move',
    async attack(place) {
      const root = join(place.root, 'root');
      const guarded = join(root, 'a', 'b', 'workspace', '.git');
      mkdirSync(guarded, { recursive: true });
      writeFileSync(join(guarded, 'config'), 'theirs');
      const runner = createCommandRunner({ stateDirectory: join(place.root, 'data') });
      const moves = ['a', 'a/b', 'a/b/workspace', 'a/b/workspace/.git'].map(
        (way) => `mv '${join(root, way)}' '${join(root, `moved-${basename(way)}`)}'`,
      );
      const command = `${moves.join('; ')}; mkdir -p '${guarded}'; echo MARKER > '${join(guarded, 'config')}'; true`;
      await runner.run(
        {
          ...{ commandId: 'move', threadId: 'attacker', command, cwd: root, workspace: dirname(guarded) },
          sandbox: { mode: 'workspace-write', writableRoots: [root], networkAccess: false },
          ...{ timeoutMs: 20_000, maxOutputBytes: 4_000 },
        },
        { signal: place.signal, onOutput: () => undefined },
      );
      return heldUnless(readFileSync(join(guarded, 'config'), 'utf8').includes('MARKER') && 'the config was replaced');
    },
  },
  {
    row: 8,
    tried: 'a command leaves links in its /tmp where the sandbox of the next command makes folders',
    heldBy: 'what leads to the workspace is a mount, or made anew, before bubblewrap walks it',
    async attack(place) {
      const attacker = createAttacker(place);
      const way = attacker.workspace.split('/');
      const target = join(place.root, 'target');
      mkdirSync(target);
      const { tmp } = openScratch(attacker.data, 'attacker', attacker.workspace);
      // As a command with full access could leave it.
      symlinkSync(target, join(tmp, way[2] ?? ''));
      await attacker.run('true').catch(() => undefined);
      const top = way.slice(0, 3).join('/');
      const links = [target, `/oldroot${target}`, `../../oldroot${target}`].map((to) => `ln -sfn '${to}' '${top}'`);
      await attacker.run(`cd /; mv '${top}' /tmp/gone; rm -rf '${top}'; ${links.join('; ')}`);
      await attacker.run('true').catch(() => undefined);
      return heldUnless(readdirSync(target).length > 0 && 'folders were made outside');
    },
  },
];
