/**
 * Finds the repository of a folder, and maps its paths. Reads the file system without git: a repository that git
 * refuses to use has rules too, and nothing of its configuration may run.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isTrustedAbove } from '../../folders/work-tree.ts';
import { inFolder } from '../files/safe-folder.ts';

/** Bytes of the longest path and its keyword. */
const POINTER_BYTES = 8_192;

export interface RulePlace extends Mapping {
  /** The `.git` that all work trees of a repository share; the folder itself outside of repositories. */
  repository: string;
}

export interface Mapping {
  /** A folder of the work tree as its thread names it, and its path in the work tree: empty, or with a trailing slash. */
  folder: string;
  prefix: string;
}

/** Rejects with the error of the file system if there is no such folder. */
export async function findRulePlace(cwd: string): Promise<RulePlace> {
  const named = resolve(cwd);
  const real = await realpath(named);
  const { repository, root } = (await findRepository(real)) ?? { repository: real, root: real };
  // Above a folder that is named through a link, names and places differ, so only paths inside it can be mapped.
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
 * A `.git` that is a link, or a file that its repository does not know, could be there to borrow the rules of another
 * repository. Such a work tree counts as a separate repository.
 */
async function repositoryAt(root: string): Promise<Found | null> {
  const dotGit = join(root, '.git');
  const stats = await lstat(dotGit).catch(() => null);
  if (stats === null) return null;
  if (stats.isDirectory()) return (await exists(join(dotGit, 'HEAD'))) ? { repository: dotGit, root } : null;
  const common = stats.isFile() ? await commonFolderOf(dotGit) : null;
  return { repository: common ?? root, root };
}

/** For a linked work tree; null if the repository does not register it. */
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

/** Refuses a pipe instead of a file at once. */
async function readShort(path: string): Promise<string> {
  const bytes = await inFolder(dirname(path), (folder) => folder.read(basename(path), POINTER_BYTES));
  return bytes.toString();
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null)) !== null;
}

/** Converts an absolute path for a rule: relative to the root of the work tree if inside it. */
export function toRulePath(path: string, { folder, prefix }: Mapping): string {
  if (path === folder) return prefix === '' ? '.' : prefix.slice(0, -1);
  return path.startsWith(toPrefix(folder)) ? `${prefix}${path.slice(toPrefix(folder).length)}` : path;
}

/** The reverse; null for a path that cannot be named from this folder. */
export function fromRulePath(path: string, { folder, prefix }: Mapping): string | null {
  if (path.startsWith('/')) return path;
  const inside = path === '.' ? '' : path;
  if (`${inside}/` === prefix || (inside === '' && prefix === '')) return folder;
  return inside.startsWith(prefix) ? `${toPrefix(folder)}${inside.slice(prefix.length)}` : null;
}

function toPrefix(folder: string): string {
  return folder.endsWith(sep) ? folder : `${folder}${sep}`;
}
