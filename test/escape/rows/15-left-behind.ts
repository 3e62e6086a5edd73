import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { createCommandRunner } from '../../../src/adapters/shell/command-runner.ts';
import { createReviewTargets } from '../../../src/adapters/git/targets/review-targets.ts';
import { removeUnusedScratch } from '../../../src/adapters/shell/sandbox/scratch.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';
import { createAttacker } from '../sandboxed.ts';

const LOCKED = 'mkdir -p /tmp/a/b /var/tmp/c; echo > /tmp/a/b/file; chmod 0 /tmp/a/b /tmp/a /var/tmp/c /tmp; echo left';
const DEEP = `python3 -c 'import os
os.chdir("/tmp")
for _ in range(300):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
print("left")'`;

/** At the start of a worker, and when the thread is closed. */
async function cleanUpAfter(place: EscapePlace, command: string): Promise<Outcome> {
  const attacker = createAttacker(place);
  const { data } = attacker;
  const all = join(data, 'sandboxes');
  const { output } = await attacker.run(command);
  if (!output.includes('left')) return { type: 'notTried', why: output };
  const again = await attacker.run('echo > /tmp/x && echo works');
  if (!again.output.includes('works')) return { type: 'broken', what: `the next command has no /tmp: ${again.output}` };
  for (const name of readdirSync(all)) utimesSync(join(all, name), 1, 1);
  const runner = createCommandRunner({ stateDirectory: data });
  const log: string[] = [];
  await removeUnusedScratch(data, (line) => log.push(line));
  if (readdirSync(all).length > 0) return { type: 'broken', what: `a start leaves ${log.join()}` };
  await attacker.run(command);
  await runner.forget('attacker');
  return heldUnless(existsSync(all) && readdirSync(all).length > 0 && 'a close leaves the folder');
}

async function reviewAgain({ root, signal }: EscapePlace): Promise<Outcome> {
  const repository = join(root, 'repository');
  const git = (...args: string[]) => execFileSync('git', ['-C', repository, ...args], { stdio: 'ignore' });
  mkdirSync(join(repository, 'tracked'), { recursive: true });
  execFileSync('sh', ['-c', 'echo > tracked/file'], { cwd: repository });
  git('init', '-q');
  git('add', '.');
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'one');
  const targets = createReviewTargets({ directory: join(root, 'targets') });
  const found = await targets.find({ repository: `file://${repository}` }, 'target', signal);
  const { cwd } = await targets.checkOut(found, signal);
  execFileSync('sh', ['-c', 'mkdir -p a/b; echo > a/b/file; chmod 0 a/b a tracked'], { cwd });
  await targets.checkOut(found, signal);
  return heldUnless(
    existsSync(join(cwd, 'a'))
      ? 'the folder is still there'
      : !existsSync(join(cwd, 'tracked/file')) && 'a file is gone',
  );
}

export const rows: EscapeRow[] = [
  {
    row: 15,
    tried: 'a command leaves folders without permissions in its /tmp, so that no worker can remove them and start',
    heldBy:
      'folders are opened to their owner before they are removed; a clean-up that fails stops nothing and is tried again',
    attack: (place) => cleanUpAfter(place, LOCKED),
  },
  {
    row: 15,
    tried: 'the same by folders in each other that are too deep for a path',
    heldBy: 'what is removed is lifted to the top first, so that no path is long',
    attack: (place) => cleanUpAfter(place, DEEP),
  },
  {
    row: 15,
    tried: 'a command leaves folders without permissions in the clone of a batch target, for its next review',
    heldBy: 'the same',
    attack: reviewAgain,
  },
];
