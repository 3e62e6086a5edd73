/** Makes the repository of a review: a commit with the newer version, and one that takes files back to the older. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gitIn } from '../tasks/set-up.ts';
import type { Place, ReviewCase } from './list.ts';

/** They describe the fix. */
const TELLING = /^((change|history|news|release|migrat).*\.\w+|changes|news|tests?|__tests__|spec|.*\.dist-info)$/i;

/** Writes the files of a version into an empty folder. */
export type Unpack = (which: 'newer' | 'older', into: string) => Promise<void>;

/** Idempotent: begins with an empty folder. */
export async function setUpReview(
  { places, without = [] }: Pick<ReviewCase, 'places' | 'without'>,
  unpack: Unpack,
  cwd: string,
): Promise<void> {
  const older = `${cwd}.older`;
  for (const folder of [cwd, older]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  try {
    await unpack('newer', cwd);
    await unpack('older', older);
    for (const name of [...namesBelow(cwd).filter((path) => TELLING.test(path.split('/').at(-1) ?? '')), ...without])
      rmSync(join(cwd, name), { recursive: true, force: true });
    commitBoth(cwd, older, new Set(places.map(({ file }) => file)));
    for (const place of places) requireChanged(cwd, place);
  } finally {
    rmSync(older, { recursive: true, force: true });
  }
}

function namesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}

function commitBoth(cwd: string, older: string, files: Set<string>): void {
  const git = gitIn(cwd);
  git('init', '--quiet', '--initial-branch=main', '--template=');
  git('config', 'user.name', 'Robin');
  git('config', 'user.email', 'robin@example.invalid');
  git('config', 'core.autocrlf', 'false');
  const commit = (message: string) => {
    git('add', '--all', '--force');
    git('commit', '--quiet', '--message', message);
  };
  commit('Begin');
  for (const file of files) {
    if (!existsSync(join(older, file))) throw new Error(`There is no ${file} in the older version.`);
    mkdirSync(dirname(join(cwd, file)), { recursive: true });
    cpSync(join(older, file), join(cwd, file));
  }
  commit(`Change ${[...files].join(' and ')}`);
}

const HUNK = /^@@ -\S+ \+(\d+)(?:,(\d+))? @@/gm;

/** The place of a fault is where the change is; otherwise the list is wrong. */
function requireChanged(cwd: string, { file, from, to }: Place): void {
  const diff = gitIn(cwd)('diff', '--unified=0', 'HEAD~1', 'HEAD', '--', file);
  const touches = [...diff.matchAll(HUNK)].some(([, line = '', count = '1']) => {
    const first = Number(line);
    // Where lines were taken out, the line before them is named.
    return first <= to && first + Math.max(1, Number(count)) > from;
  });
  if (!touches) throw new Error(`Lines ${from} to ${to} of ${file} are not a part of the change.`);
}
