/** Reads which lines a `git diff --unified=0` touches. Pure. */
import type { LineRanges } from '../../../../activities/ports.ts';

type Ranges = Exclude<LineRanges, 'all'>;

/** Lines of a file; if there are none, `start` is the line before. */
interface Lines {
  start: number;
  count: number;
}

export interface Hunk {
  old: Lines;
  new: Lines;
}

/** The changes of one file, in the order of its lines. A path is null if the file does not exist on that side. */
export interface FileHunks {
  oldPath: string | null;
  newPath: string | null;
  hunks: Hunk[];
}

const HUNK = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/**
 * Lines by file. For a deleted file they are lines of its old content; if lines were only removed, the two lines around
 * them. Files without changed lines are not included.
 * @param diff with the prefixes `a/` and `b/`.
 */
export function readChangedLines(diff: string): Map<string, Ranges> {
  const files = readHunks(diff).flatMap(({ oldPath, newPath, hunks }): [string, Ranges][] => {
    const path = newPath ?? oldPath;
    return path === null ? [] : [[path, hunks.map((hunk) => toRange(newPath === null ? hunk.old : hunk.new))]];
  });
  return new Map(files);
}

/** The hunks of each file whose lines changed. @param diff with the prefixes `a/` and `b/`. */
export function readHunks(diff: string): FileHunks[] {
  const found: FileHunks[] = [];
  let oldPath: string | null = null;
  let file: FileHunks | null = null;
  /** Remaining lines of the hunk: they may look like anything. */
  let inside = 0;
  for (const line of diff.split('\n')) {
    if (inside > 0 && !line.startsWith('\\')) {
      inside -= 1;
      continue;
    }
    if (line.startsWith('--- ')) oldPath = toPath(line.slice(4));
    else if (line.startsWith('+++ ')) found.push((file = { oldPath, newPath: toPath(line.slice(4)), hunks: [] }));
    const hunk = toHunk(line);
    if (hunk === null) continue;
    inside = hunk.old.count + hunk.new.count;
    file?.hunks.push(hunk);
  }
  return found;
}

function toHunk(line: string): Hunk | null {
  const [, oldStart, oldCount, newStart, newCount] = HUNK.exec(line) ?? [];
  if (oldStart === undefined || newStart === undefined) return null;
  return {
    old: { start: Number(oldStart), count: Number(oldCount ?? 1) },
    new: { start: Number(newStart), count: Number(newCount ?? 1) },
  };
}

function toRange({ start, count }: Lines): Ranges[number] {
  return count === 0 ? { start: Math.max(1, start), end: start + 1 } : { start, end: start + count - 1 };
}

/** Null for `/dev/null`. A tab follows a name with a blank; a name with odd characters is quoted. */
function toPath(written: string): string | null {
  const name = written.endsWith('\t') ? written.slice(0, -1) : written;
  if (name === '/dev/null') return null;
  return unquoteName(name).slice('a/'.length);
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/**
 * The original form of a name that git has quoted. As in C; numeric escapes are bytes of UTF-8. A model may have left
 * out the quotes around an escaped name.
 */
export function unquoteName(name: string): string {
  const isQuoted = name.startsWith('"') && name.endsWith('"') && name.length > 1;
  if (!isQuoted && !/\\[0-3][0-7]{2}/.test(name)) return name;
  const parts = (isQuoted ? name.slice(1, -1) : name).matchAll(/\\([0-7]{3})|\\(.)|([^\\]+)/gs);
  const bytes = [...parts].map(([, octal, letter, plain]) => {
    if (octal !== undefined) return Buffer.from([Number.parseInt(octal, 8)]);
    return letter === undefined ? Buffer.from(plain ?? '') : Buffer.from([ESCAPES[letter] ?? letter.charCodeAt(0)]);
  });
  return Buffer.concat(bytes).toString('utf8');
}
