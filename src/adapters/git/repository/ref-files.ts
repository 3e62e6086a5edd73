/** The references of a repository, read from its files as data. */
import type { SafeFolder } from '../../files/safe-folder.ts';
import type { RawPath } from '../process/git-process.ts';
import type { OpenTree } from '../process/open-tree.ts';
import type { Slices } from '../process/slices.ts';

export interface LooseRef {
  name: RawPath;
  /** An id, or a target; one character per byte. */
  value: string;
}

/** Files of references that are read; a repository with more of them was made on purpose. */
const MAX_FILES = 10_000;
const MAX_DEPTH = 64;
const REF_BYTES = 1_024;

export function parsePackedRefs(content: Buffer): LooseRef[] {
  return content
    .toString('latin1')
    .split('\n')
    .flatMap((line) => {
      const [, value = '', name = ''] = /^([0-9a-f]{40,64}) (refs\/.+)$/.exec(line) ?? [];
      return isOfPerson(name) ? [{ name, value }] : [];
    });
}

/** Below `refs/`, in the order of their names. */
export async function listLooseRefs(tree: OpenTree, slices: Slices): Promise<LooseRef[]> {
  const found: LooseRef[] = [];
  await addBelow(found, tree, 'refs/', slices);
  return found;
}

async function addBelow(found: LooseRef[], tree: OpenTree, at: RawPath, slices: Slices): Promise<void> {
  const folder = at.split('/').length > MAX_DEPTH ? null : await tree.folderOf(at);
  if (folder === null) return;
  const names = await folder.list().catch(() => []);
  const folders: RawPath[] = [];
  for (const name of names.sort((one, other) => Buffer.compare(one, other))) {
    if (found.length + folders.length >= MAX_FILES) break;
    if (slices.isOver()) await slices.rest();
    const path = at + name.toString('latin1');
    const content = await readSmall(folder, name, REF_BYTES);
    if (content === null) folders.push(`${path}/`);
    else if (isOfPerson(path)) found.push({ name: path, value: content.toString('latin1').trim() });
  }
  // One folder is open at a time, so the others come after this one.
  for (const below of folders) await addBelow(found, tree, below, slices);
}

/** Earlier releases kept their snapshots among the references. */
function isOfPerson(name: RawPath): boolean {
  return name !== '' && !name.startsWith('refs/bobbin/') && !name.endsWith('.lock');
}

/** Null if it is not a file, is larger, or cannot be read. */
export async function readSmall(folder: SafeFolder, name: Buffer, maxBytes: number): Promise<Buffer | null> {
  const now = folder.readNow(name, maxBytes);
  if (now !== null) return now.content;
  try {
    const stats = await folder.lstat(name);
    return stats?.isFile() === true && stats.size <= maxBytes ? await folder.read(name, maxBytes) : null;
  } catch {
    return null;
  }
}
