/** The history of this repository, and which line of one commit is which of an earlier one, as `git blame` knows it. */
import { execFileSync } from 'node:child_process';
import { createGit } from '../../src/adapters/git/git.ts';

const root = new URL('../../', import.meta.url).pathname;

export function gitHere(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
}

export const repositoryRoot = root;

/** Every commit, the first one first. A clone that is not whole has fewer. */
export function commits(): string[] {
  return gitHere('rev-list', '--reverse', '--first-parent', 'HEAD').split('\n').filter(Boolean);
}

/** Sources of a commit by path. @param only these, where they are there. */
export function sourcesOf(commit: string, only?: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const folders = ['src', 'workflows', 'activities'];
  const paths =
    only ??
    gitHere('ls-tree', '-r', '--name-only', '-z', commit, '--', ...folders)
      .split('\0')
      .filter((path) => path.endsWith('.ts'));
  return createGit({ directory: '/nonexistent' }).readFiles(
    repositoryRoot,
    commit,
    paths,
    new AbortController().signal,
  );
}

/** Files of a later commit that are these, or were made of them by renaming or copying. */
export function heirsOf(paths: ReadonlySet<string>, from: string, to: string): string[] {
  const words = gitHere('diff', '--name-status', '-z', '-M', '-C', from, to, '--').split('\0');
  const heirs = words.flatMap((word, at) =>
    /^[RC]\d/.test(word) && paths.has(words[at + 1] ?? '') ? [words[at + 2] ?? ''] : [],
  );
  return [...new Set([...paths, ...heirs])];
}

export interface Origin {
  path: string;
  line: number;
}

/** For each line of a file, from 1 on, where it was in the earlier commit; null for what has come since. */
export function originsOf(path: string, from: string, to: string): (Origin | null)[] {
  const found: (Origin | null)[] = [null];
  let sha = '';
  let line = 0;
  const names = new Map<string, string>();
  const options = ['-w', '-M', '-C', '--porcelain'];
  for (const text of gitHere('blame', ...options, `${from}..${to}`, '--', path).split('\n')) {
    const head = /^([0-9a-f]{40}) (\d+) (\d+)/.exec(text);
    if (head !== null) {
      sha = head[1]!;
      line = Number(head[2]);
    } else if (text.startsWith('filename ')) {
      names.set(sha, text.slice('filename '.length));
    } else if (text.startsWith('\t')) {
      found.push(sha === from ? { path: names.get(sha) ?? path, line } : null);
    }
  }
  return found;
}
