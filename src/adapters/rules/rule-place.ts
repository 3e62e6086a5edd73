/**
 * Which repository a folder belongs to, and what its paths are called there. Read from the file system, without git: a
 * repository that git refuses to work in has rules all the same, and nothing of its configuration is run.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isTrustedAbove } from '../../folders/work-tree.ts';
import { inFolder } from '../files/safe-folder.ts';

/** The longest path, and the word before it. */
const POINTER_BYTES = 8_192;

export interface RulePlace {
  /** What all work trees of a repository have in common, its `.git`; the folder itself where it is in none. */
  repository: string;
  /** A folder of the work tree as its thread names it, and where that lies in it: empty, or with a slash at its end. */
  folder: string;
  prefix: string;
}

/** Rejects with the error of the file system where there is no such folder. */
export async function findRulePlace(cwd: string): Promise<RulePlace> {
  const named = resolve(cwd);
  const real = await realpath(named);
  const { repository, root } = (await findRepository(real)) ?? { repository: real, root: real };
  // Above a folder that is named by a link, names and places differ: only what lies in it can be told apart.
  if (real === named) return { repository, folder: root, prefix: '' };
  const prefix = relative(root, real);
  return { repository, folder: named, prefix: prefix === '' ? '' : `${prefix}/` };
}

interface Found {
  repository: string;
  root: string;
}

async function findRepository(real: string): Promise<Found | null> {
  for (let folder = real; ; folder = dirname(folder)) {
    const found = isTrustedAbove(folder, real) ? await repositoryAt(folder) : null;
    if (found !== null || folder === dirname(folder)) return found;
  }
}

/**
 * A `.git` that is a link, or a file that its repository knows nothing of, could have been put there to borrow the rules of
 * another repository: such a work tree stands for itself.
 */
async function repositoryAt(root: string): Promise<Found | null> {
  const dotGit = join(root, '.git');
  const stats = await lstat(dotGit).catch(() => null);
  if (stats === null) return null;
  if (stats.isDirectory()) return (await exists(join(dotGit, 'HEAD'))) ? { repository: dotGit, root } : null;
  const common = stats.isFile() ? await commonFolderOf(dotGit) : null;
  return { repository: common ?? root, root };
}

/** Of a linked work tree; null where the repository does not name it as one of its own. */
async function commonFolderOf(dotGit: string): Promise<string | null> {
  try {
    const [, pointer] = /^gitdir: (.+)$/m.exec(await readShort(dotGit)) ?? [];
    if (pointer === undefined) return null;
    const own = await realpath(resolve(dirname(dotGit), pointer.trim()));
    const back = await realpath(resolve(own, (await readShort(join(own, 'gitdir'))).trim()));
    const common = await realpath(resolve(own, (await readShort(join(own, 'commondir'))).trim()));
    return back === dotGit && dirname(dirname(own)) === common ? common : null;
  } catch {
    return null;
  }
}

/** A pipe in the place of such a file is refused at once. */
async function readShort(path: string): Promise<string> {
  const bytes = await inFolder(dirname(path), (folder) => folder.read(basename(path), POINTER_BYTES));
  return bytes.toString();
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

/** An absolute path as rules have it: relative to the root of the work tree where it lies in it. */
export function toRulePath(path: string, { folder, prefix }: RulePlace): string {
  if (path === folder) return prefix === '' ? '.' : prefix.slice(0, -1);
  return path.startsWith(toPrefix(folder)) ? `${prefix}${path.slice(toPrefix(folder).length)}` : path;
}

/** The same back; null for one that cannot be named from this folder. */
export function fromRulePath(path: string, { folder, prefix }: RulePlace): string | null {
  if (path.startsWith('/')) return path;
  const inside = path === '.' ? '' : path;
  if (`${inside}/` === prefix || (inside === '' && prefix === '')) return folder;
  return inside.startsWith(prefix) ? `${toPrefix(folder)}${inside.slice(prefix.length)}` : null;
}

function toPrefix(folder: string): string {
  return folder.endsWith(sep) ? folder : `${folder}${sep}`;
}
