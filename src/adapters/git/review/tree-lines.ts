/** Looks for lines in every file of a commit, changed or not. */
import { Failure } from '../../../../activities/failures.ts';
import { toShownPath } from '../process/git-process.ts';
import { type FoundLines, squash, toLines } from './moved-code.ts';
import type { ViewGit } from '../repository/repository-view.ts';

/**
 * Limits on the bytes of all files and of one, and on the lines that are kept; the time limit is that of one git
 * process.
 */
const MAX = { bytes: 1024 ** 3, fileBytes: 64 * 1024 ** 2, lines: 200_000 };
const DEADLINE_MS = 60_000;
/** Git considers a file binary if these bytes of it contain a NUL. */
const BINARY_BYTES = 8_000;

/**
 * The files that contain one of the lines, ignoring white space; null if not everything could be searched.
 * @param sought lines without white space.
 */
export async function findInTree(
  git: ViewGit,
  commit: string,
  sought: ReadonlySet<string>,
): Promise<FoundLines[] | null> {
  const found: FoundLines[] = [];
  let left = MAX.lines;
  try {
    const paths = await listFiles(git, commit);
    const ids = paths === null ? [] : [...paths.keys()];
    const complete = await readBlobs(git, ids, (id, text) => {
      const lines = left < 0 ? [] : linesIn(text, sought);
      if (lines.length === 0) return;
      const lineCount = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
      const those = paths?.get(id) ?? [];
      left -= lines.length * those.length;
      for (const path of those) found.push({ path, lines, lineCount });
    });
    return paths !== null && complete && left >= 0 ? found : null;
  } catch (error) {
    // It took too long, or objects are missing.
    if (error instanceof Failure && error.code === 'gitFailed') return null;
    throw error;
  }
}

function linesIn(text: string, sought: ReadonlySet<string>): FoundLines['lines'] {
  if (!text.split('\n').some((line) => sought.has(squash(line)))) return [];
  return toLines(text).filter((line) => sought.has(line.text));
}

/** Paths by the id of their content; null if that is too much, or some are missing. */
async function listFiles(git: ViewGit, commit: string): Promise<Map<string, string[]> | null> {
  const { stdout } = await git(['ls-tree', '-r', '-z', '--long', '--full-tree', commit]);
  const paths = new Map<string, string[]>();
  let bytes = 0;
  for (const entry of stdout.toString('latin1').split('\0')) {
    const [, id, written, path] = /^100\d+ blob ([0-9a-f]+) +(\S+)\t(.*)$/s.exec(entry) ?? [];
    if (id === undefined || path === undefined) continue;
    const size = Number(written);
    if (!paths.has(id)) bytes += size;
    if (!(size <= MAX.fileBytes && bytes <= MAX.bytes)) return null;
    paths.set(id, [...(paths.get(id) ?? []), toShownPath(path)]);
  }
  return paths;
}

/** Whether all of them were read; calls `onText` for those that are text. */
async function readBlobs(
  git: ViewGit,
  ids: readonly string[],
  onText: (id: string, text: string) => void,
): Promise<boolean> {
  if (ids.length === 0) return true;
  let read = 0;
  const reader = batchReader((id, bytes) => {
    read++;
    if (!bytes.subarray(0, BINARY_BYTES).includes(0)) onText(id, bytes.toString('utf8'));
  });
  const input = ids.map((id) => `${id}\n`).join('');
  await git(['cat-file', '--batch', '--buffer'], { input, onStdout: reader, deadlineMs: DEADLINE_MS });
  return read === ids.length;
}

/** Reads the output of `git cat-file --batch` as it arrives; a missing object has a header without a size. */
function batchReader(onBlob: (id: string, bytes: Buffer) => void): (chunk: Buffer) => void {
  let head = '';
  let blob: { id: string; size: number } | null = null;
  let parts: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length;) {
      if (blob === null) {
        const end = chunk.indexOf('\n', at);
        head += chunk.toString('latin1', at, end === -1 ? chunk.length : end);
        at = end === -1 ? chunk.length : end + 1;
        if (end === -1) return;
        const [, id, size] = /^([0-9a-f]+) blob (\d+)$/.exec(head) ?? [];
        if (id !== undefined) blob = { id, size: Number(size) };
        [head, parts, length] = ['', [], 0];
      } else {
        // A line break follows the bytes.
        const part = chunk.subarray(at, at + blob.size + 1 - length);
        parts.push(part);
        length += part.length;
        at += part.length;
        if (length <= blob.size) continue;
        onBlob(blob.id, Buffer.concat(parts, blob.size));
        blob = null;
      }
    }
  };
}
