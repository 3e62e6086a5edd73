/**
 * Replacements for a `.git` that is a symbolic link, in a sandbox: to git a file that names a folder is equivalent to a
 * link.
 */
import { createHash } from 'node:crypto';
import { lstatSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writePrivateFileSync } from '../../../folders/private-file.ts';
import type { CoveredLink } from './covered-links.ts';

const PREFIX = 'git-link-';
const DAY_MS = 24 * 60 * 60_000;

/** Returns the file to mount over the link; undefined for another link, or for a target that no such file can name. */
export function writeGitLink(stateDirectory: string, { path, target }: CoveredLink): string | undefined {
  if (basename(path) !== '.git' || target === undefined || target.includes('\n')) return undefined;
  const hash = createHash('sha256').update(target).digest('hex').slice(0, 32);
  const file = join(stateDirectory, `${PREFIX}${hash}`);
  // Written each time, so that its age is that of its last use.
  writePrivateFileSync(file, `gitdir: ${target}\n`);
  return file;
}

/**
 * Removes those that no command was started with for a day: commands choose where links lead, and each place takes a file.
 * A command that still runs keeps what was mounted for it. Never rejects.
 */
export async function removeUnusedGitLinks(stateDirectory: string, log: (message: string) => void): Promise<void> {
  const names = await readdir(stateDirectory).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(PREFIX))) {
    const path = join(stateDirectory, name);
    try {
      // At once, so that no command of this process begins to use it in between.
      if (Date.now() - lstatSync(path).mtimeMs > DAY_MS) rmSync(path);
    } catch (error) {
      log(`${path} cannot be removed, which is tried again later: ${String(error)}`);
    }
  }
}
