/**
 * The git work tree of a folder, found without git, which would read its configuration. In a folder above, such as
 * /tmp, another user may have made a repository around everybody's folders: it counts only for that user.
 */
import { lstatSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The nearest folder upwards with a `.git`, including the folder itself; null if there is none. */
export function findWorkTree(start: string): string | null {
  for (let folder = start; ; folder = dirname(folder)) {
    if (ownerOf(join(folder, '.git')) !== undefined) return isTrustedAbove(folder, start) ? folder : null;
    if (folder === dirname(folder)) return null;
  }
}

/** Whether the `.git` in `folder`, if there is one, belongs to root, to this user, or to the owner of `start`. */
export function isTrustedAbove(folder: string, start: string): boolean {
  const owner = ownerOf(join(folder, '.git'));
  if (folder === start || owner === undefined || process.getuid === undefined) return true;
  return owner === 0 || owner === process.getuid() || owner === ownerOf(start);
}

function ownerOf(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.uid;
}
