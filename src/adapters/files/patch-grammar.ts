/**
 * The `*** Begin Patch` format, as the apply_patch tool of OpenAI Codex defines it:
 *
 *     *** Begin Patch
 *     *** Add File: PATH          followed by lines that start with `+`
 *     *** Delete File: PATH
 *     *** Update File: PATH       optionally `*** Move to: PATH`, then hunks
 *     @@ LINE                     a hunk; LINE, where given, stands somewhere before it, and several may follow each other.
 *                                 A hunk that only adds goes right below LINE, and without LINE to the end of the file
 *      kept                       the first character says what happens to a line; an empty line is a kept empty line
 *     -removed
 *     +added
 *     *** End of File             the hunk ends where the file ends
 *     *** End Patch
 *
 * A hunk without LINE needs lines that are in the rest of the file only once, or as often as such hunks follow.
 *
 * Lenient as Codex is: white space around the patch and its headers, a shell heredoc around all of it, a first hunk
 * without `@@`, and empty lines between the parts. Pure, and free of imports.
 */

export interface PatchLine {
  kind: 'kept' | 'removed' | 'added';
  text: string;
}

export interface PatchHunk {
  /** Number of its first line in the patch, from 1. */
  at: number;
  /** Lines to find, one after the other, before the place is searched. */
  context: string[];
  lines: PatchLine[];
  /** The place is the end of the file. */
  endOfFile: boolean;
}

export type FilePatch =
  | { type: 'add'; path: string; lines: string[] }
  | { type: 'delete'; path: string }
  | { type: 'update'; path: string; movePath: string | undefined; hunks: PatchHunk[] };

/** Line numbers count from 1 in the text as given. */
export type ParsedPatch = { ok: true; files: FilePatch[] } | { ok: false; line: number; expected: string };

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const ADD = '*** Add File:';
const DELETE = '*** Delete File:';
const UPDATE = '*** Update File:';
const MOVE = '*** Move to:';
const END_OF_FILE = '*** End of File';
/** The range that `diff -u` writes after `@@`. Models write it, too; its numbers are not reliable, the lines are. */
const UNIFIED_RANGE = /^-\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?/;
/** The range of a hunk for an empty file, which needs no lines to match. */
const UNIFIED_START = /^@@ -0,0 /;
const HEREDOC = /^(?:apply_patch\s+)?<<-?\s*(["']?)(\w+)\1$/;

interface Cursor {
  lines: string[];
  /** Index of the next line. */
  next: number;
  /** Index of the `*** End Patch` line. */
  end: number;
}

/** Splits a text into its parts. Checks its form only, not whether it applies. */
export function parsePatch(text: string): ParsedPatch {
  try {
    const cursor = findBounds(text.split('\n').map((line) => line.replace(/\r$/, '')));
    const files: FilePatch[] = [];
    skipBlank(cursor);
    while (cursor.next < cursor.end) {
      files.push(parseFile(cursor));
      skipBlank(cursor);
    }
    if (files.length === 0) throw malformed(cursor.next, `at least one of '${ADD}', '${DELETE}' and '${UPDATE}'`);
    return { ok: true, files };
  } catch (problem) {
    if (isMalformed(problem)) return { ok: false, line: problem.index + 1, expected: problem.expected };
    throw problem;
  }
}

interface Malformed {
  index: number;
  expected: string;
}

/** Thrown inside of this file only, to end the parse from any depth. */
function malformed(index: number, expected: string): Error & Malformed {
  return Object.assign(new Error(expected), { index, expected });
}

function isMalformed(problem: unknown): problem is Malformed {
  return problem instanceof Error && 'index' in problem && 'expected' in problem;
}

function findBounds(lines: string[]): Cursor {
  let first = lines.findIndex((line) => line.trim() !== '');
  let last = lines.findLastIndex((line) => line.trim() !== '');
  const heredoc = HEREDOC.exec((lines[first] ?? '').trim());
  if (heredoc !== null) {
    if ((lines[last] ?? '').trim() === heredoc[2])
      last = lines.slice(0, last).findLastIndex((line) => line.trim() !== '');
    first += 1;
  }
  if ((lines[first] ?? '').trim() !== BEGIN) throw malformed(Math.max(first, 0), `'${BEGIN}' as the first line`);
  if ((lines[last] ?? '').trim() !== END || last === first) throw malformed(last, `'${END}' as the last line`);
  return { lines, next: first + 1, end: last };
}

function peek(cursor: Cursor): string | undefined {
  return cursor.next < cursor.end ? cursor.lines[cursor.next] : undefined;
}

function skipBlank(cursor: Cursor): void {
  while (peek(cursor)?.trim() === '') cursor.next += 1;
}

function parseFile(cursor: Cursor): FilePatch {
  const header = (peek(cursor) ?? '').trim();
  const path = (marker: string): string => parsePath(cursor, header, marker);
  if (header.startsWith(ADD)) return { type: 'add', path: path(ADD), lines: parseAddedLines(cursor) };
  if (header.startsWith(DELETE)) return { type: 'delete', path: path(DELETE) };
  if (header.startsWith(UPDATE)) return parseUpdate(cursor, path(UPDATE));
  throw malformed(cursor.next, `a line that starts with '${ADD}', '${DELETE}' or '${UPDATE}'`);
}

/** Takes the header line. */
function parsePath(cursor: Cursor, header: string, marker: string): string {
  const path = header.slice(marker.length).trim();
  if (path === '' || path.includes('\0')) throw malformed(cursor.next, `a path after '${marker}'`);
  cursor.next += 1;
  return path;
}

function parseAddedLines(cursor: Cursor): string[] {
  const lines: string[] = [];
  for (let line = peek(cursor); line?.startsWith('+'); line = peek(cursor)) {
    lines.push(line.slice(1));
    cursor.next += 1;
  }
  return lines;
}

function parseUpdate(cursor: Cursor, path: string): FilePatch {
  const header = (peek(cursor) ?? '').trim();
  const movePath = header.startsWith(MOVE) ? parsePath(cursor, header, MOVE) : undefined;
  const hunks: PatchHunk[] = [];
  const begin = cursor.next;
  skipBlank(cursor);
  if (!startsHunk(cursor) && (movePath === undefined || isEndOfFile(cursor))) {
    // Lines of spaces separate, unless they are all that there is: then they are kept lines.
    cursor.next = begin;
    while (peek(cursor) === '') cursor.next += 1;
  }
  while (startsHunk(cursor)) {
    hunks.push(parseHunk(cursor, hunks.length === 0));
    skipBlank(cursor);
  }
  if (hunks.length === 0 && movePath === undefined) throw malformed(cursor.next, `a hunk for ${path}, or '${MOVE}'`);
  return { type: 'update', path, movePath, hunks };
}

function startsHunk(cursor: Cursor): boolean {
  const line = peek(cursor);
  return line !== undefined && !line.trimStart().startsWith('***');
}

const isEndOfFile = (cursor: Cursor): boolean => peek(cursor)?.trim() === END_OF_FILE;

function parseHunk(cursor: Cursor, first: boolean): PatchHunk {
  const at = cursor.next + 1;
  const header = peek(cursor) ?? '';
  const context = parseContext(cursor);
  if (context === undefined && !first) throw malformed(cursor.next, "'@@' at the start of a hunk");
  const all = parseHunkLines(cursor);
  const endOfFile = isEndOfFile(cursor);
  const lines = endOfFile ? all : withoutBlankEnd(all, cursor);
  if (lines.length === 0) throw malformed(cursor.next, "a line that starts with ' ', '+' or '-'");
  if (UNIFIED_RANGE.test(header.slice(3)) && !UNIFIED_START.test(header) && !lines.some(isInFile))
    throw malformed(at - 1, `lines of the file around the added ones, since the numbers in '${header}' are not used`);
  if (endOfFile) cursor.next += 1;
  return { at, context: context ?? [], lines, endOfFile };
}

const isInFile = ({ kind }: PatchLine): boolean => kind !== 'added';

/** Undefined if there is no `@@` line. */
function parseContext(cursor: Cursor): string[] | undefined {
  let context: string[] | undefined;
  for (let line = peek(cursor); line !== undefined && /^@@( |$)/.test(line); line = peek(cursor)) {
    context ??= [];
    const text = line.slice(3).replace(UNIFIED_RANGE, '');
    if (text.trim() !== '') context.push(text);
    cursor.next += 1;
  }
  return context;
}

const KINDS: Record<string, PatchLine['kind']> = { ' ': 'kept', '+': 'added', '-': 'removed' };

function parseHunkLines(cursor: Cursor): PatchLine[] {
  const lines: PatchLine[] = [];
  for (let line = peek(cursor); line !== undefined; line = peek(cursor)) {
    const kind = line === '' ? 'kept' : KINDS[line.charAt(0)];
    if (kind === undefined) break;
    lines.push({ kind, text: line.slice(1) });
    cursor.next += 1;
  }
  return lines;
}

/**
 * Empty lines before the next header separate the sections of a patch; as kept lines they would have to be in the file.
 */
function withoutBlankEnd(lines: PatchLine[], cursor: Cursor): PatchLine[] {
  let length = lines.length;
  const isBare = (index: number): boolean => cursor.lines[cursor.next - (lines.length - index)] === '';
  while (length > 0 && isBare(length - 1)) length -= 1;
  return lines.slice(0, length);
}
