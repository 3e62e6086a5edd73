/** Finds removed code among the lines of a tree: code that moved is not gone. Pure. */
import type { FindingLocation } from '../../../contract/index.ts';
import type { FileHunks } from './diff-hunks.ts';

/** A significant line: one with more than punctuation. */
interface Line {
  number: number;
  /** Its position among the significant lines of the file. */
  ordinal: number;
  /** Without white space. */
  text: string;
}

/** The lines of one file that match the searched ones. */
export interface FoundLines {
  path: string;
  lines: Line[];
  /** All lines of the file. */
  lineCount: number;
}

/** The significant lines of a place, and the lines of that place before and after them. */
export interface Code {
  lines: readonly string[];
  lead: number;
  trail: number;
}

export const squash = (line: string): string => line.replace(/\s+/g, '');

export function toLines(text: string): Line[] {
  let ordinal = 0;
  return text.split('\n').flatMap((line, index) => {
    const squashed = squash(line);
    return /[\p{L}\p{N}]/u.test(squashed) ? [{ number: index + 1, ordinal: ordinal++, text: squashed }] : [];
  });
}

/** Null if the place has no significant line: the places of such lines prove nothing. */
export function codeAt(lines: readonly Line[], { startLine, endLine }: FindingLocation): Code | null {
  const inside = lines.filter(({ number }) => number >= startLine && number <= endLine);
  const [first] = inside;
  const last = inside.at(-1);
  if (first === undefined || last === undefined) return null;
  return { lines: inside.map(({ text }) => text), lead: first.number - startLine, trail: endLine - last.number };
}

// ------------------------------------------------------------------------------------------------------- whole code

/** A place with all lines of a code in their order. */
export interface Copy {
  location: FindingLocation;
  /** Whether no other significant line is between them. */
  together: boolean;
  lines: readonly Line[];
}

/** The shortest copy in each file that has one. */
export function findCopies(code: Code, files: readonly FoundLines[]): Copy[] {
  return files.flatMap((file) => {
    const [best] = copiesIn(code, file).sort((a, b) => spanOf(a) - spanOf(b));
    return best === undefined ? [] : [best];
  });
}

/** Whether the changes of a file inserted every line of a copy. */
export function isNew({ lines }: Copy, { hunks }: Pick<FileHunks, 'hunks'>): boolean {
  return lines.every(({ number }) =>
    hunks.some(({ new: { start, count } }) => number >= start && number < start + count),
  );
}

/** Lines at which the search for a copy starts: a file may repeat one line without end. */
const MAX_STARTS = 1_000;

function copiesIn(code: Code, file: FoundLines): Copy[] {
  const starts = file.lines.flatMap(({ text }, at) => (text === code.lines[0] ? [at] : []));
  return starts.slice(0, MAX_STARTS).flatMap((at) => {
    const lines = inOrder(code.lines, file.lines, at);
    return lines === null ? [] : toCopy(code, file, lines);
  });
}

function inOrder(texts: readonly string[], lines: readonly Line[], start: number): Line[] | null {
  const found: Line[] = [];
  for (let at = start; at < lines.length && found.length < texts.length; at++) {
    const line = lines[at];
    if (line !== undefined && line.text === texts[found.length]) found.push(line);
  }
  return found.length === texts.length ? found : null;
}

function toCopy({ lead, trail }: Code, { path, lineCount }: FoundLines, lines: readonly Line[]): Copy[] {
  const [first] = lines;
  const last = lines.at(-1);
  if (first === undefined || last === undefined) return [];
  const startLine = Math.max(1, first.number - lead);
  const endLine = Math.min(Math.max(lineCount, last.number), last.number + trail);
  const together = last.ordinal - first.ordinal === lines.length - 1;
  return [{ location: { path, startLine, endLine }, together, lines }];
}

const spanOf = ({ lines }: Copy): number => (lines.at(-1)?.number ?? 0) - (lines[0]?.number ?? 0);

// ----------------------------------------------------------------------------------------------------- single lines

/** Number of places of one line that still show a person where the code went. */
const MAX_PLACES = 3;

export type Remains = { type: 'none' } | { type: 'some'; near: FindingLocation | null };

/** Whether one of the lines still exists, and the place of the rarest one if it has few. */
export function findRemains({ lines }: Code, files: readonly FoundLines[]): Remains {
  const sought = new Set(lines);
  const places = new Map<string, FindingLocation[]>();
  for (const { path, lines: found } of files)
    for (const { text, number } of found)
      if (sought.has(text))
        places.set(text, [
          ...(places.get(text) ?? []).slice(0, MAX_PLACES),
          { path, startLine: number, endLine: number },
        ]);
  const [rarest] = [...places.values()].sort((a, b) => a.length - b.length);
  if (rarest === undefined) return { type: 'none' };
  return { type: 'some', near: rarest.length > MAX_PLACES ? null : (rarest[0] ?? null) };
}
