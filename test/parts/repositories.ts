/** Git repositories for tests, made by git itself. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** By their paths. */
export type Files = Record<string, string | Buffer>;

/** Runs a command there, and gives what it printed. */
export function git(cwd: string, ...args: string[]): string {
  const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid'];
  return execFileSync('git', [...who, ...args], { cwd, encoding: 'utf8' });
}

/** Makes a repository with one commit on `main`, and gives its path. */
export function makeRepository(cwd: string, files: Files): string {
  mkdirSync(cwd, { recursive: true });
  git(cwd, 'init', '-q', '-b', 'main');
  commit(cwd, files, 'Begin');
  return cwd;
}

/** Writes the files and commits whatever has changed. Gives the full id of the commit. */
export function commit(cwd: string, files: Files, message = 'Change'): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true });
    writeFileSync(join(cwd, path), content);
  }
  git(cwd, 'add', '-A');
  git(cwd, 'commit', '-q', '-m', message);
  return git(cwd, 'rev-parse', 'HEAD').trim();
}
