/** The text of a file as lines, and where lines of a patch are in it. Pure. */

/** One line with the bytes that end it: `\n`, `\r\n`, or nothing for a last line without. */
export interface Line {
  text: string;
  end: string;
}

export function splitLines(text: string): Line[] {
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

export function joinLines(lines: Line[]): string {
  return lines.map((line) => line.text + line.end).join('');
}

export function usualLineEnd(lines: Line[]): string {
  const windows = lines.filter((line) => line.end === '\r\n').length;
  return windows * 2 > lines.length ? '\r\n' : '\n';
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

/** The first place of lines, compared as strictly as it allows; undefined if they are not there. */
export function findLines(lines: Line[], wanted: string[], from: number): number | undefined {
  return findPlaces(lines, wanted, from, 1)[0];
}

/** The first `most` places, which do not overlap. All are compared as strictly as the first one allows. */
export function findPlaces(lines: Line[], wanted: string[], from: number, most: number): number[] {
  for (const like of LIKENESSES) {
    const have = lines.map((line) => like(line.text));
    const want = wanted.map(like);
    const places: number[] = [];
    for (let start = from; start + want.length <= have.length && places.length < most; start += 1) {
      if (!want.every((text, index) => have[start + index] === text)) continue;
      places.push(start);
      start += Math.max(0, want.length - 1);
    }
    if (places.length > 0) return places;
  }
  return [];
}
