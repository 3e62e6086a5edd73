import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createPatcher } from '../../../src/adapters/files/patcher.ts';
import { createProjectDocs } from '../../../src/adapters/files/project-docs.ts';
import { createGit } from '../../../src/adapters/git/git.ts';
import { listDeniedPaths } from '../../../src/adapters/shell/sandbox/denied-paths.ts';
import { type EscapePlace, type EscapeRow, type Outcome, held, heldUnless } from '../row.ts';

const SECRETS = ['.ssh/id_ed25519', '.aws/credentials', 'named/notes.md'];

/** A person's home is the workspace. */
function plantHome({ root }: EscapePlace) {
  const home = join(root, 'home');
  for (const path of SECRETS) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), 'MARKER\n');
  }
  const deniedPaths = listDeniedPaths({ HOME: home, BOBBIN_DENY_READ: join(home, 'named') });
  return { home, deniedPaths };
}

async function patch(place: EscapePlace): Promise<Outcome> {
  const { home, deniedPaths } = plantHome(place);
  const patcher = createPatcher({ deniedPaths });
  const sandbox = { mode: 'workspace-write' as const, writableRoots: [], networkAccess: false };
  for (const path of SECRETS) {
    const texts = [
      `*** Update File: ${path}\n*** Move to: leak`,
      `*** Update File: ${path}\n@@\n-MARKER\n+other`,
      `*** Add File: ${dirname(path)}/rc\n+x`,
    ];
    for (const text of texts)
      await patcher
        .apply(`*** Begin Patch\n${text}\n*** End Patch\n`, { cwd: home, sandbox }, place.signal)
        .catch(() => undefined);
    const left = existsSync(join(home, path)) ? readFileSync(join(home, path), 'utf8') : 'nothing';
    if (left !== 'MARKER\n') return { type: 'broken', what: `a patch made ${left} of ${path}` };
    if (existsSync(join(home, dirname(path), 'rc'))) return { type: 'broken', what: `a patch wrote beside ${path}` };
  }
  return held;
}

async function fork(place: EscapePlace): Promise<Outcome> {
  const { home, deniedPaths } = plantHome(place);
  const git = createGit({ directory: join(place.root, 'data'), closed: deniedPaths });
  const snapshot = await git.snapshot(home, null, place.signal);
  if (snapshot.status !== 'taken') return { type: 'broken', what: snapshot.reason };
  const path = join(place.root, 'fork');
  await git.worktree({ cwd: home, path, commit: snapshot.commit }, place.signal);
  return heldUnless(SECRETS.find((secret) => existsSync(join(path, secret))));
}

async function readDocs(place: EscapePlace): Promise<Outcome> {
  const { home, deniedPaths } = plantHome(place);
  execFileSync('sh', ['-c', 'mkdir .git; ln -s named/notes.md AGENTS.md'], { cwd: home });
  const { text } = await createProjectDocs({ deniedPaths }).read(home);
  return heldUnless(text.includes('MARKER') && 'the document was read');
}

const HELD_BY = 'one list closes them to commands, patches, documents, snapshots, undo and forks';

export const rows: EscapeRow[] = [
  {
    row: 16,
    tried: 'a patch reads, moves, changes or adds to what commands cannot read, where the workspace is the home',
    heldBy: HELD_BY,
    attack: patch,
  },
  {
    row: 16,
    tried: 'a fork gets a copy of what commands cannot read, from a snapshot',
    heldBy: HELD_BY,
    attack: fork,
  },
  {
    row: 18,
    tried: 'AGENTS.md is a symbolic link to a Markdown file of the repository that commands cannot read',
    heldBy: HELD_BY,
    attack: readDocs,
  },
];
