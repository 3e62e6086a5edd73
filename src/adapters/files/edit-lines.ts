/**
 * Hunks of a patch on the text of a file. Pure.
 *
 * A first attempt applies the hunks. A retry may meet a file that a lost attempt has already changed. A file is written
 * as a whole, so either all hunks of a file are in it or none; both readings are tried, and the text decides between
 * them.
 */
import { type Line, findLines, findPlaces, joinLines, splitLines, usualLineEnd } from './file-lines.ts';
import type { PatchHunk, PatchLine } from './patch-grammar.ts';

export type Edit =
  | { type: 'edited'; text: string }
  /** The text already contains the result. */
  | { type: 'standing' }
  /** The text may be the one before or the one after. */
  | { type: 'uncertain' }
  | ({ type: 'misfit' } & Misfit);

/** A hunk that has no place, or more than one. Lines count from 0. */
export interface Misfit {
  hunk: PatchHunk;
  problem:
    | { type: 'noHeader'; header: string; from: number }
    | { type: 'noLines'; wanted: string[]; from: number }
    /** `more`: there are others. */
    | { type: 'ambiguous'; places: number[]; more: boolean };
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
  if ('problem' in forward) {
    return retried && stands(lines, hunks) ? { type: 'standing' } : { type: 'misfit', ...forward };
  }
  if (retried) {
    if (forward.every((place, index) => isInsertedAt(lines, hunks[index], place))) return { type: 'standing' };
    if (hunks.every((hunk) => mayHold(lines, hunk))) return { type: 'uncertain' };
  }
  const ambiguous = findAmbiguous(lines, hunks, forward);
  if (ambiguous !== undefined) return { type: 'misfit', ...ambiguous };
  return { type: 'edited', text: mark + joinLines(replace(lines, forward)) };
}

/** Whether the text is the result of the hunks, judged without the original text. */
export function resultStands(text: string, hunks: PatchHunk[]): boolean {
  return stands(splitLines(text.replace(BYTE_ORDER_MARK, '')), hunks);
}

interface Place {
  start: number;
  /** Where the search for it began. */
  from: number;
  /** Lines of the hunk that have a counterpart in the file; a hunk's empty last line may lack one. */
  hunkLines: PatchLine[];
}

const oldLines = (line: PatchLine): boolean => line.kind !== 'added';
const newLines = (line: PatchLine): boolean => line.kind !== 'removed';

function textsOf(hunkLines: PatchLine[], side: (line: PatchLine) => boolean): string[] {
  return hunkLines.filter(side).map((line) => line.text);
}

function locate(lines: Line[], hunks: PatchHunk[], side: (line: PatchLine) => boolean): Place[] | Misfit {
  const places: Place[] = [];
  let from = 0;
  for (const hunk of hunks) {
    for (const context of hunk.context) {
      const found = findLines(lines, [context], from);
      if (found === undefined) return { hunk, problem: { type: 'noHeader', header: context, from } };
      from = found + 1;
    }
    const place = locateHunk(lines, hunk, side, from);
    if (place === undefined) return { hunk, problem: { type: 'noLines', wanted: textsOf(hunk.lines, side), from } };
    places.push(place);
    if (!appends(hunk, place.hunkLines)) from = place.start + place.hunkLines.filter(side).length;
  }
  return places;
}

const MAX_PLACES = 5;

/**
 * A hunk without a header that has several places may be meant for any of them. It is not, if as many hunks with the same
 * lines follow one another: then each has its own.
 */
function findAmbiguous(lines: Line[], hunks: PatchHunk[], located: Place[]): Misfit | undefined {
  const wanted = located.map(({ hunkLines }) => textsOf(hunkLines, oldLines));
  for (const [index, hunk] of hunks.entries()) {
    const texts = wanted[index] ?? [];
    if (hunk.context.length > 0 || hunk.endOfFile || texts.length === 0) continue;
    const same = wanted.slice(index).filter((others) => others.join('\n') === texts.join('\n')).length;
    const places = findPlaces(lines, texts, located[index]?.from ?? 0, same + MAX_PLACES + 1);
    if (places.length <= same) continue;
    const more = places.length > MAX_PLACES;
    return { hunk, problem: { type: 'ambiguous', places: places.slice(0, MAX_PLACES), more } };
  }
  return undefined;
}

function locateHunk(
  lines: Line[],
  hunk: PatchHunk,
  side: (line: PatchLine) => boolean,
  from: number,
): Place | undefined {
  for (const hunkLines of [hunk.lines, withoutEmptyEnd(hunk.lines)]) {
    const wanted = textsOf(hunkLines, side);
    const start = appends(hunk, hunkLines)
      ? findAppended(lines, wanted)
      : hunkLines.every(isAdded)
        ? findBelow(lines, wanted, from)
        : findHunk(lines, wanted, from, hunk.endOfFile);
    if (start !== undefined) return { start, from, hunkLines };
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

/** Whether the resulting lines of a hunk are anywhere in the file: if not, it was not applied. */
function mayHold(lines: Line[], hunk: PatchHunk): boolean {
  return [hunk.lines, withoutEmptyEnd(hunk.lines)].some((hunkLines) => {
    return findLines(lines, textsOf(hunkLines, newLines), 0) !== undefined;
  });
}

function stands(lines: Line[], hunks: PatchHunk[]): boolean {
  const places = locate(lines, hunks, newLines);
  return !('problem' in places) && hunks.every((hunk) => leavesNoTrace(lines, hunk));
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
