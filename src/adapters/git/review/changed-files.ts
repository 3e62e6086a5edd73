/** The files that differ between two commits, with the size of each one's changes. */
import { Failure } from '../../../../activities/failures.ts';
import type { ChangedFile } from '../../../../activities/ports.ts';
import { toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { explainNoRepository } from '../repository/repository-fault.ts';
import { findRepository, type ClosedFolders } from '../repository/repository-place.ts';
import { type RepositoryView, type ViewGit, withView } from '../repository/repository-view.ts';

const COMPARE = ['--find-renames', '--no-color', '--submodule=short', '--ignore-submodules=none'];
const SUBMODULE = '160000';

export async function readChangedFiles(
  closed: ClosedFolders,
  cwd: string,
  { base, head }: { base: string; head: string },
  signal: AbortSignal,
): Promise<ChangedFile[]> {
  const place = findRepository(cwd, closed);
  if (place !== null) return withView(place, signal, (view) => filesOf(view, base, head));
  const message = `There is no git repository at ${toVisibleLine(cwd)}.${explainNoRepository(cwd, closed)}`;
  throw new Failure('reviewNoRepository', message, { details: { path: cwd } });
}

async function filesOf({ git }: RepositoryView, base: string, head: string): Promise<ChangedFile[]> {
  const raw = await git(['diff', '--raw', '-z', ...COMPARE, base, head, '--']);
  const files = toFiles(raw.stdout.toString());
  if (files.length === 0) return [];
  const sizes = await measure(git, [base, head]);
  // A file that became a link, or the reverse, is listed twice.
  let section = 0;
  return files.map(({ status, ...file }) => {
    const own = sizes.slice(section, (section += status === 'T' ? 2 : 1));
    const bytes = own.reduce((sum, one) => sum + one.bytes, 0);
    const isBinary = own.some((one) => one.binary);
    return { ...file, kind: file.kind === 'text' && isBinary ? 'binary' : file.kind, bytes };
  });
}

function toFiles(output: string): (Omit<ChangedFile, 'bytes'> & { status: string })[] {
  const words = output.split('\0');
  const files: ReturnType<typeof toFiles> = [];
  for (let at = 0; at + 1 < words.length;) {
    const [from = '', to = '', , , status = ''] = (words[at] ?? '').slice(1).split(' ');
    const renamed = /^[RC]/.test(status);
    const first = words[at + 1] ?? '';
    const path = renamed ? (words[at + 2] ?? '') : first;
    const kind = from === SUBMODULE || to === SUBMODULE ? 'submodule' : 'text';
    files.push({ path, before: renamed ? first : null, kind, status: status.charAt(0) });
    at += renamed ? 3 : 2;
  }
  return files;
}

interface Section {
  bytes: number;
  binary: boolean;
}

const SECTION = 'diff --git ';
const BINARY = 'Binary files ';
const START_CHARS = Math.max(SECTION.length, BINARY.length);

/** Bytes of each file's part of the diff, in its order. Never keeps the whole diff in memory: it may be huge. */
async function measure(git: ViewGit, range: readonly string[]): Promise<Section[]> {
  const sections: Section[] = [];
  /** Beginning of the current line, as far as needed. */
  let start = '';
  const endLine = (length: number): void => {
    if (start.startsWith(SECTION)) sections.push({ bytes: 0, binary: false });
    const current = sections.at(-1);
    if (current === undefined) return;
    if (start.startsWith(BINARY)) current.binary = true;
    current.bytes += length + 1;
    start = '';
  };
  let length = 0;
  const onStdout = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length;) {
      const end = chunk.indexOf(10, at);
      const to = end === -1 ? chunk.length : end;
      if (start.length < START_CHARS)
        start += chunk.subarray(at, Math.min(to, at + START_CHARS - start.length)).toString('latin1');
      length += to - at;
      at = to + 1;
      if (end === -1) break;
      endLine(length);
      length = 0;
    }
  };
  await git(['diff', '--no-ext-diff', '--no-textconv', ...COMPARE, ...range, '--'], { onStdout });
  return sections;
}
