/** Finds lines that changes took out of a file among the lines that the same changes put in: code that moved is not gone. */
import type { FindingLocation } from '../../contract/index.ts';
import type { FileHunks } from './diff-hunks.ts';

/** A line with something in it, without its white space. */
interface Line {
  number: number;
  text: string;
}

export function toLines(text: string): Line[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const squashed = line.replace(/\s+/g, '');
    return squashed === '' ? [] : [{ number: index + 1, text: squashed }];
  });
}

/** The lines of a place, as texts to look for. */
export function codeAt(lines: readonly Line[], { startLine, endLine }: FindingLocation): string[] {
  return lines.filter(({ number }) => number >= startLine && number <= endLine).map(({ text }) => text);
}

/** Where the same lines stand one after another, all of them put in by the hunks; null if nowhere. */
export function findAmongNew(
  code: readonly string[],
  lines: readonly Line[],
  { hunks }: Pick<FileHunks, 'hunks'>,
): { startLine: number; endLine: number } | null {
  const isNew = ({ number }: Line): boolean =>
    hunks.some(({ new: { start, count } }) => number >= start && number < start + count);
  for (let at = 0; at + code.length <= lines.length; at++) {
    const found = lines.slice(at, at + code.length);
    const [first] = found;
    const last = found.at(-1);
    if (first === undefined || last === undefined) return null;
    if (found.every((line, index) => line.text === code[index] && isNew(line)))
      return { startLine: first.number, endLine: last.number };
  }
  return null;
}
