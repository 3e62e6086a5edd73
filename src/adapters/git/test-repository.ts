/** For tests: a repository that records changes to everything that only the person may change. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface TestRepository {
  root: string;
  git(...args: string[]): string;
  write(path: string, content: string | Buffer): void;
  remove(path: string): void;
  /** Every file of the work tree with what is in it, and links with where they lead; one character per byte. */
  files(): Record<string, string>;
  /** Index, HEAD, branches, stash, settings, and every run of a hook, as bytes and words. */
  personal(): Record<string, string>;
  close(): void;
}

/** @param committed files of the first commit; null for a repository without one. */
export function openRepository(
  committed: Record<string, string | Buffer> | null = { 'README.md': 'read me\n' },
): TestRepository {
  const home = mkdtempSync(join(tmpdir(), 'bobbin-git-test-'));
  const root = join(home, 'repo');
  mkdirSync(root);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=P', '-c', 'user.email=p@example.invalid', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const repository: TestRepository = {
    root,
    git,
    write(path, content) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    },
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    files: () => readFiles(root),
    personal: () => ({
      index: existsSync(join(root, '.git/index')) ? readFileSync(join(root, '.git/index'), 'latin1') : '',
      head: readFileSync(join(root, '.git/HEAD'), 'utf8'),
      branches: git('for-each-ref', 'refs/heads', 'refs/tags', 'refs/stash'),
      reflogs: readLogs(join(root, '.git/logs')),
      stash: git('stash', 'list'),
      config: readFileSync(join(root, '.git/config'), 'utf8'),
      hooks: existsSync(join(home, 'hooks')) ? readFileSync(join(home, 'hooks'), 'utf8') : '',
    }),
    close: () => rmSync(home, { recursive: true, force: true }),
  };
  git('init', '-q', '-b', 'main');
  if (committed !== null) {
    for (const [path, content] of Object.entries(committed)) repository.write(path, content);
    git('add', '-A');
    git('commit', '-q', '-m', 'Begin');
  }
  watchHooks(root, join(home, 'hooks'));
  return repository;
}

const HOOKS = [
  'post-index-change',
  'reference-transaction',
  'pre-commit',
  'commit-msg',
  'post-commit',
  'post-checkout',
  'fsmonitor',
];

/** Each hook writes its name down. */
function watchHooks(root: string, file: string): void {
  for (const name of HOOKS) {
    const hook = join(root, '.git/hooks', name);
    mkdirSync(dirname(hook), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\necho ${name} >> '${file}'\n`);
    chmodSync(hook, 0o755);
  }
  execFileSync('git', ['config', 'core.fsmonitor', join(root, '.git/hooks/fsmonitor')], { cwd: root });
}

/** By name, one character per byte: names need not be text. */
function readFiles(root: string, below = ''): Record<string, string> {
  const place = (name: string) => Buffer.from(`${root}/${name}`, 'latin1');
  const names = readdirSync(place(below), { encoding: 'latin1' })
    .filter((name) => name !== '.git')
    .sort();
  const found = names.map((name): Record<string, string> => {
    const path = below === '' ? name : `${below}/${name}`;
    const stats = lstatSync(place(path));
    if (stats.isDirectory()) return readFiles(root, path);
    if (stats.isSymbolicLink()) return { [path]: `-> ${readlinkSync(place(path))}` };
    return { [path]: `${stats.mode & 0o100 ? 'x ' : ''}${readFileSync(place(path), 'latin1')}` };
  });
  return Object.assign({}, ...found) as Record<string, string>;
}

function readLogs(folder: string): string {
  if (!existsSync(folder)) return '';
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')).join('');
}
