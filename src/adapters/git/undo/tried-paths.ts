/** Paths of a workspace that patches have named, by the names that its snapshots have for them. */
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { isInside } from '../../../folders/folders.ts';
import { followLinks } from '../../../folders/real-path.ts';
import { toShownPath } from '../process/git-process.ts';
import { Contents } from '../snapshots/snapshot-contents.ts';
import { type StoreGit, listFiles } from '../snapshots/snapshot-store.ts';

/** The same limit as Linux. */
const MAX_LINKS = 40;

/** Targets by path. */
type Links = ReadonlyMap<string, string>;

interface Workspace {
  /** Absolute. */
  cwd: string;
  /** The same without links. */
  folder: string;
}

/**
 * The entries that the names stand for, and where those lead if they are links. The links of the snapshots count: those
 * on disk may have changed since.
 */
export async function findTried(
  git: StoreGit,
  names: readonly string[],
  place: Workspace,
  commits: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const paths = names.flatMap((name) => toInside(name, place));
  const found = new Set(paths);
  for (const commit of new Set(commits)) {
    const links = await readLinks(git, commit);
    for (const path of paths) for (const one of follow(path, links, place.folder)) found.add(one);
  }
  return [...found];
}

/** Relative to the workspace; nothing for a path outside. */
function toInside(name: string, { cwd, folder }: Workspace): string[] {
  const path = resolve(folder, name);
  const around = [folder, cwd].find((one) => isInside(path, one));
  if (around !== undefined) return [relative(around, path)];
  const real = isAbsolute(name) ? followLinks(path) : path;
  return isInside(real, folder) ? [relative(folder, real)] : [];
}

async function readLinks(git: StoreGit, commit: string): Promise<Links> {
  const files = await listFiles(git, commit);
  const found = files.flatMap(({ kind, id, path }) => (kind === '120000' ? [{ id, path: toShownPath(path) }] : []));
  const contents = new Contents(
    git,
    undefined,
    found.map(({ id }) => id),
  );
  const links = new Map<string, string>();
  for (const { id, path } of found) links.set(path, (await contents.of(id)).toString());
  return links;
}

/** The entry at a path, and where it leads. */
function follow(path: string, links: Links, folder: string): string[] {
  const found: string[] = [];
  let at = path;
  for (let left = MAX_LINKS; left > 0; left--) {
    const link = prefixesOf(at).find((one) => links.has(one));
    if (link === undefined || link === at) found.push(at);
    if (link === undefined) break;
    const target = resolve(folder, dirname(link), links.get(link) ?? '');
    if (!isInside(target, folder)) break;
    at = join(relative(folder, target), relative(link, at));
  }
  return found;
}

/** The folders on the way, and the path itself. */
function prefixesOf(path: string): string[] {
  const parts = path.split('/');
  return parts.map((_, depth) => parts.slice(0, depth + 1).join('/'));
}
