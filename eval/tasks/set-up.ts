/** Makes the repository of a task: the same files and the same commit ids every time, whatever the person's git is like. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Commit, Files, Task } from './task.ts';

/** Idempotent: begins with an empty folder. */
export function setUp({ commits, prepare }: Pick<Task, 'commits' | 'prepare'>, cwd: string): void {
  rmSync(cwd, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  const git = gitIn(cwd);
  git('init', '--quiet', '--initial-branch=main', '--template=');
  git('config', 'user.name', 'Robin');
  git('config', 'user.email', 'robin@example.invalid');
  const commit = (one: Commit) => makeCommit(cwd, git, one);
  commits.forEach(commit);
  prepare?.({ git, commit });
}

export type Git = (...args: string[]) => string;

/** Every command is a minute later than the one before. */
export function gitIn(cwd: string): Git {
  let minutes = 0;
  return (...args) => {
    const date = `2026-03-02T${String(8 + Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}:00Z`;
    if (args[0] === 'commit' || args[0] === 'merge') minutes += 1;
    return execFileSync('git', args, { cwd, encoding: 'utf8', env: plainEnvironment(date) });
  };
}

/** Nothing of the person's own settings. */
function plainEnvironment(date: string): NodeJS.ProcessEnv {
  const none = '/dev/null';
  return {
    PATH: process.env['PATH'],
    HOME: none,
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: none,
    GIT_CONFIG_SYSTEM: none,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
  };
}

function makeCommit(cwd: string, git: Git, { message, files }: Commit): void {
  writeFiles(cwd, files);
  git('add', '--all', '--force');
  git('commit', '--quiet', '--allow-empty', '--message', message);
}

export function writeFiles(cwd: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(cwd, name);
    if (content === null) {
      rmSync(path);
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: typeof content === 'string' && content.startsWith('#!') ? 0o755 : 0o644 });
  }
}
