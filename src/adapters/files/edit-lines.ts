/**
 * Hunks of a patch on the text of a file. Pure.
 *
 * A first attempt applies the hunks. A retry may meet a file that a lost attempt has already changed. A file is written
 * as a whole, so either all hunks of a file are in it or none; both readings are tried, and the text decides between
 * them.
 */
import type { PatchHunk, PatchLine } from './patch-grammar.ts';

export type Edit =
  | { type: 'edited'; text: string }
  /** The text already contains the result. */
  | { type: 'standing' }
  /** The text may be the one before or the one after. */
  | { type: 'uncertain' }
  | { type: 'misfit'; hunk: PatchHunk; reason: string };

/** One line with the bytes that end it: `\n`, `\r\n`, or nothing for a last line without. */
interface Line {
  text: string;
  end: string;
}

const BYTE_ORDER_MARK = '\ufeff';

/**
 * Applies the hunks in order. Kept lines stay as the file has them, even if they were matched by ignoring white space.
 * Added lines end as most lines of the file do. A last line without a line end stays that way unless the patch replaces
 * it or adds after it.
 * @param retried whether an earlier attempt may have written the file. Only then are `standing` and `uncertain`
 * possible.
 */
export function editText(text: string, hunks: PatchHunk[], { retried = false } = {}): Edit {
  const mark = text.startsWith(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK : '';
  const lines = splitLines(text.slice(mark.length));
  const forward = locate(lines, hunks, oldLines);
  if ('reason' in forward) {
    return retried && stands(lines, hunks) ? { type: 'standing' } : { type: 'misfit', ...forward };
  }
  if (retried) {
    if (forward.every((place, index) => isInsertedAt(lines, hunks[index], place))) return { type: 'standing' };
    if (hunks.every((hunk) => mayHold(lines, hunk))) return { type: 'uncertain' };
  }
  return { type: 'edited', text: mark + joinLines(replace(lines, forward)) };
}

/** Whether the text is the result of the hunks, judged without the original text. */
export function resultStands(text: string, hunks: PatchHunk[]): boolean {
  return stands(splitLines(text.replace(BYTE_ORDER_MARK, '')), hunks);
}

interface Place {
  start: number;
  /** Lines of the hunk that have a counterpart in the file; a hunk's empty last line may lack one. */
  hunkLines: PatchLine[];
}

const oldLines = (line: PatchLine): boolean => line.kind !== 'added';
const newLines = (line: PatchLine): boolean => line.kind !== 'removed';

function locate(
  lines: Line[],
  hunks: PatchHunk[],
  side: (line: PatchLine) => boolean,
): Place[] | { hunk: PatchHunk; reason: string } {
  const places: Place[] = [];
  let from = 0;
  for (const hunk of hunks) {
    for (const context of hunk.context) {
      const found = findLines(lines, [context], from);
      if (found === undefined) return { hunk, reason: `no line ${JSON.stringify(context)} was found` };
      from = found + 1;
    }
    const place = locateHunk(lines, hunk, side, from);
    if (place === undefined) return { hunk, reason: 'these lines were not found' };
    places.push(place);
    if (!appends(hunk, place.hunkLines)) from = place.start + place.hunkLines.filter(side).length;
  }
  return places;
}

function locateHunk(
  lines: Line[],
  hunk: PatchHunk,
  side: (line: PatchLine) => boolean,
  from: number,
): Place | undefined {
  for (const hunkLines of [hunk.lines, withoutEmptyEnd(hunk.lines)]) {
    const wanted = hunkLines.filter(side).map((line) => line.text);
    const start = appends(hunk, hunkLines)
      ? findAppended(lines, wanted)
      : hunkLines.every(isAdded)
        ? findBelow(lines, wanted, from)
        : findHunk(lines, wanted, from, hunk.endOfFile);
    if (start !== undefined) return { start, hunkLines };
  }
  return undefined;
}

/** Models often write an empty line for the end of the file, which is not a line here. */
function withoutEmptyEnd(lines: PatchLine[]): PatchLine[] {
  const last = lines.at(-1);
  return lines.length > 1 && last?.kind === 'kept' && last.text === '' ? lines.slice(0, -1) : lines;
}

const isAdded = ({ kind }: PatchLine): boolean => kind === 'added';

/** A hunk that only adds and names no line to add after belongs at the end of the file. */
function appends(hunk: PatchHunk, hunkLines: PatchLine[]): boolean {
  return hunkLines.every(isAdded) && (hunk.context.length === 0 || hunk.endOfFile);
}

/** At the end of the file, before an empty last line. */
function findAppended(lines: Line[], wanted: string[]): number | undefined {
  const end = lines.at(-1)?.text === '' ? lines.length - 1 : lines.length;
  const start = end - wanted.length;
  return standsAt(lines, wanted, start) ? start : undefined;
}

/** Directly after the last line that the header of the hunk names. */
function findBelow(lines: Line[], wanted: string[], from: number): number | undefined {
  return standsAt(lines, wanted, from) ? from : undefined;
}

function findHunk(lines: Line[], wanted: string[], from: number, atEnd: boolean): number | undefined {
  if (!atEnd) return findLines(lines, wanted, from);
  const start = lines.length - wanted.length;
  return start >= from ? findLines(lines, wanted, start) : undefined;
}

function standsAt(lines: Line[], wanted: string[], start: number): boolean {
  return start >= 0 && wanted.every((text, index) => lines[start + index]?.text === text);
}

const ASCII_FOR: [RegExp, string][] = [
  [/[\u2010-\u2015\u2212]/g, '-'],
  [/[\u2018-\u201b]/g, "'"],
  [/[\u201c-\u201f]/g, '"'],
  [/[\u00a0\u2002-\u200a\u202f\u205f\u3000]/g, ' '],
];

/** Ways to compare two lines, strictest first: exactly, then with ever less of their white space and typography. */
const LIKENESSES: ((text: string) => string)[] = [
  (text) => text,
  (text) => text.trimEnd(),
  (text) => text.trim(),
  (text) => ASCII_FOR.reduce((plain, [typographic, ascii]) => plain.replace(typographic, ascii), text).trim(),
];

function findLines(lines: Line[], wanted: string[], from: number): number | undefined {
  for (const like of LIKENESSES) {
    const have = lines.map((line) => like(line.text));
    const want = wanted.map(like);
    for (let start = from; start + want.length <= have.length; start += 1) {
      if (want.every((text, index) => have[start + index] === text)) return start;
    }
  }
  return undefined;
}

/** Whether the resulting lines of a hunk are anywhere in the file: if not, it was not applied. */
function mayHold(lines: Line[], hunk: PatchHunk): boolean {
  return [hunk.lines, withoutEmptyEnd(hunk.lines)].some((hunkLines) => {
    const wanted = hunkLines.filter(newLines).map((line) => line.text);
    return findLines(lines, wanted, 0) !== undefined;
  });
}

function stands(lines: Line[], hunks: PatchHunk[]): boolean {
  const places = locate(lines, hunks, newLines);
  return !('reason' in places) && hunks.every((hunk) => leavesNoTrace(lines, hunk));
}

/**
 * A hunk that removes and adds nothing leaves little evidence: the lines around the gap. If it has fewer than two of
 * those, none of the lines it removes may be in the file.
 */
function leavesNoTrace(lines: Line[], hunk: PatchHunk): boolean {
  if (hunk.lines.filter(newLines).length >= 2 || hunk.lines.some((line) => line.kind === 'added')) return true;
  const removed = hunk.lines.filter((line) => line.kind === 'removed' && line.text.trim() !== '');
  return removed.every((line) => findLines(lines, [line.text], 0) === undefined);
}

/**
 * Whether a hunk that only inserts has been applied: then its old lines are still found, but as a part of its new
 * lines. A file that contained those lines before by chance counts as changed by the lost attempt.
 */
function isInsertedAt(lines: Line[], hunk: PatchHunk | undefined, place: Place): boolean {
  if (hunk === undefined || hunk.lines.some((line) => line.kind === 'removed')) return false;
  const wanted = place.hunkLines.map((line) => line.text);
  const leading = place.hunkLines.findIndex((line) => !isAdded(line));
  const before = appends(hunk, place.hunkLines) ? wanted.length : Math.max(leading, 0);
  return standsAt(lines, wanted, place.start - before);
}

function replace(lines: Line[], places: Place[]): Line[] {
  const end = usualLineEnd(lines);
  const result: Line[] = [];
  let next = 0;
  for (const place of places.toSorted((one, other) => one.start - other.start)) {
    result.push(...lines.slice(next, place.start));
    next = Math.max(next, place.start);
    for (const line of place.hunkLines) {
      if (line.kind === 'added') result.push({ text: line.text, end });
      else {
        const own = lines[next];
        if (line.kind === 'kept' && own !== undefined) result.push(own);
        next += 1;
      }
    }
  }
  result.push(...lines.slice(next));
  return result.map((line, index) => (line.end === '' && index < result.length - 1 ? { ...line, end } : line));
}

function usualLineEnd(lines: Line[]): string {
  const windows = lines.filter((line) => line.end === '\r\n').length;
  return windows * 2 > lines.length ? '\r\n' : '\n';
}

function splitLines(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const stop = newline === -1 ? text.length : newline;
    const end = newline === -1 ? '' : text[stop - 1] === '\r' && stop > start ? '\r\n' : '\n';
    lines.push({ text: text.slice(start, stop - (end === '\r\n' ? 1 : 0)), end });
    start = stop + 1;
  }
  return lines;
}

function joinLines(lines: Line[]): string {
  return lines.map((line) => line.text + line.end).join('');
}
