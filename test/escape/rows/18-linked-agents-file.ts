import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProjectDocs } from '../../../src/adapters/files/project-docs.ts';
import { findRepository } from '../../../src/adapters/git/repository/repository-place.ts';
import { findRulePlace } from '../../../src/adapters/rules/rule-place.ts';
import { type EscapePlace, type EscapeRow, type Outcome, heldUnless } from '../row.ts';

export const rows: EscapeRow[] = [
  {
    row: 18,
    tried: 'AGENTS.md is a symbolic link to a key outside of the workspace',
    heldBy: 'a link is followed to a Markdown file of the same repository, and to nothing else',
    attack: (place) => readDocs(place, (secret) => `ln -s '${secret}' AGENTS.md`),
  },
  {
    row: 18,
    tried: 'AGENTS.md leads to the key through a link to a link, and its override through a folder that is a link',
    heldBy: 'the same: what a path leads to is decided without links, and opened without following any',
    attack: (place) =>
      readDocs(
        place,
        (secret) =>
          `ln -s '${secret}' two.md; ln -s two.md AGENTS.md; ln -s "$(dirname '${secret}')" d; ln -s d/key.md AGENTS.override.md`,
      ),
  },
  {
    row: 18,
    tried: 'another local user puts a `.git` and an AGENTS.md into a folder above the workspace',
    heldBy:
      'a repository in a folder above counts if it belongs to root, to this user or to the owner of the workspace',
    attack: readFromAbove,
  },
  {
    row: 18,
    tried: 'AGENTS.md, or a file that .git names, is a pipe',
    heldBy: 'only regular files are read, and opening one does not wait',
    async attack(place) {
      const outcome = await readDocs(place, () => 'mkfifo AGENTS.md');
      if (outcome.type !== 'held') return outcome;
      const workspace = join(place.root, 'workspace');
      run(workspace, 'mkdir own; mkfifo own/gitdir; echo "gitdir: own" > .git');
      const found = await within(findRulePlace(workspace));
      return heldUnless(found === undefined && 'the rules of the repository waited for the pipe');
    },
  },
];

/** Another user makes a repository in a folder above, as everybody can in /tmp. */
async function readFromAbove(place: EscapePlace): Promise<Outcome> {
  if (process.getuid?.() !== 0) return { type: 'notTried', why: 'only root can play another user' };
  const workspace = join(place.root, 'workspace');
  mkdirSync(workspace);
  writeFileSync(join(place.root, 'AGENTS.md'), 'MARKER');
  run(place.root, 'git init -q . && chown -R 12345 .git AGENTS.md');
  const read = JSON.stringify(await createProjectDocs().read(workspace));
  const repository = findRepository(workspace, []);
  return heldUnless(read.includes('MARKER') ? 'its AGENTS.md was read' : repository && 'its repository was taken');
}

async function readDocs(place: EscapePlace, toCommand: (secret: string) => string): Promise<Outcome> {
  const workspace = join(place.root, 'workspace');
  const secret = join(place.root, 'keys', 'key.md');
  for (const folder of [workspace, join(place.root, 'keys')]) mkdirSync(folder);
  writeFileSync(secret, 'MARKER');
  run(workspace, toCommand(secret));
  const read = await within(createProjectDocs().read(workspace));
  return heldUnless(
    read === undefined ? 'the pipe was waited for' : JSON.stringify(read).includes('MARKER') && 'the key was read',
  );
}

function run(cwd: string, command: string): void {
  spawnSync('sh', ['-c', command], { cwd });
}

/** Undefined if it is not done in a time that is long enough for anything that does not wait. */
function within<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, sleep(10_000, undefined, { ref: false })]);
}
