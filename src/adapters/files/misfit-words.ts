/** The answer to a model about a hunk that has no place: the lines that it expects, and those that are there. Pure. */
import type { Misfit } from './edit-lines.ts';
import { type Line, findLines, splitLines } from './file-lines.ts';
import { mostAlike } from './likeness.ts';

const MAX_LINES = 14;
const MAX_LINE_CHARS = 200;
/** A line that is in the file more often says nothing about the place. */
const MAX_TIMES = 50;

export function describeMisfit(text: string, { hunk, problem }: Misfit): string {
  const lines = splitLines(text);
  const what = `the hunk at line ${hunk.at} of the patch: `;
  return what + describe(lines, problem, hunk.endOfFile) + aboutLineEnds(lines);
}

function describe(lines: Line[], problem: Misfit['problem'], endOfFile: boolean): string {
  switch (problem.type) {
    case 'noHeader':
      return describeHeader(lines, problem.header, problem.from);
    case 'noLines':
      return describeLines(lines, problem.wanted, { from: problem.from, endOfFile });
    case 'ambiguous': {
      const numbers = problem.places.map((place) => String(place + 1)).join(', ');
      const places = `${problem.more ? 'more than ' : ''}${problem.places.length} places, at lines ${numbers}`;
      return `its lines are in the file at ${places}. Give it more lines of context, or name the function or class after @@.`;
    }
  }
}

function describeHeader(lines: Line[], header: string, from: number): string {
  const missing = `no line ${quoted(header)} was found`;
  const earlier = findLines(lines, [header], 0);
  if (earlier !== undefined) return `${missing} after line ${from}. It is at line ${earlier + 1}. ${IN_ORDER}`;
  const near = mostAlike(
    header,
    lines.map(({ text }) => text),
    3,
  );
  if (near.length === 0) return `${missing}, nor one like it.`;
  return `${missing}. Most like it:\n${near.map((at) => numbered(lines, at)).join('\n')}`;
}

const IN_ORDER = 'Hunks must have the order of the file.';

function describeLines(lines: Line[], wanted: string[], place: { from: number; endOfFile: boolean }): string {
  const expected = `\nExpected:\n${shown(wanted.map(cut))}`;
  const found = findLines(lines, wanted, 0);
  if (place.endOfFile && found !== undefined)
    return `these lines are not at the end of the file.${expected}\nThe file ends:\n${region(lines, lines.length - wanted.length, wanted)}`;
  if (found !== undefined)
    return `these lines were not found after line ${place.from}. They are at line ${found + 1}. ${IN_ORDER}${expected}`;
  if (lines.length === 0) return `the file is empty.${expected}`;
  const nearest = findNearest(lines, wanted);
  const there =
    nearest === undefined
      ? `Nothing in the ${lines.length} lines of the file is like that. Read it.`
      : `Nearest in the file (> marks what differs):\n${region(lines, nearest, wanted)}`;
  return `these lines were not found.${expected}\n${there}`;
}

/** Where most of the lines are as expected, or where one is like the longest of them. */
function findNearest(lines: Line[], wanted: string[]): number | undefined {
  const places = new Map<string, number[]>();
  for (const [at, { text }] of lines.entries()) {
    const key = text.trim();
    const known = places.get(key);
    if (known === undefined) places.set(key, [at]);
    else known.push(at);
  }
  const votes = new Map<number, number>();
  for (const [index, text] of wanted.entries()) {
    const at = places.get(text.trim()) ?? [];
    const weight = /\w/.test(text) ? 2 : text.trim() === '' ? 0 : 1;
    if (at.length <= MAX_TIMES) for (const place of at) add(votes, place - index, weight);
  }
  const [best] = [...votes].filter(([, count]) => count > 0).sort(([, one], [, other]) => other - one);
  if (best !== undefined) return best[0];
  const longest = wanted.reduce((long, text) => (text.length > long.length ? text : long), '');
  const [like] = mostAlike(
    longest,
    lines.map(({ text }) => text),
    1,
  );
  return like === undefined ? undefined : like - wanted.indexOf(longest);
}

function add(votes: Map<number, number>, place: number, weight: number): void {
  votes.set(place, (votes.get(place) ?? 0) + weight);
}

/** The lines of a place with one before and one after, each with its number and a mark if it is not as expected. */
function region(lines: Line[], start: number, wanted: string[]): string {
  const first = Math.max(0, start - 1);
  const last = Math.min(lines.length, Math.max(start, 0) + wanted.length + 1);
  const all = [];
  for (let at = first; at < last; at += 1) {
    const expected = at < start ? undefined : wanted[at - start];
    const differs = expected !== undefined && expected.trim() !== lines[at]?.text.trim();
    all.push(`${differs ? '>' : ' '} ${numbered(lines, at)}`);
  }
  return shown(all);
}

function numbered(lines: Line[], at: number): string {
  return `${at + 1}| ${cut(lines[at]?.text ?? '')}`;
}

function shown(rows: string[]): string {
  if (rows.length <= MAX_LINES) return rows.join('\n');
  return [...rows.slice(0, MAX_LINES), `… ${rows.length - MAX_LINES} more`].join('\n');
}

function cut(text: string): string {
  return text.length > MAX_LINE_CHARS ? `${text.slice(0, MAX_LINE_CHARS).toWellFormed()}…` : text;
}

function quoted(text: string): string {
  return JSON.stringify(cut(text));
}

function aboutLineEnds(lines: Line[]): string {
  return lines.some(({ text }) => text.includes('\r'))
    ? '\nSome lines of the file end with a carriage return alone, which ends no line here.'
    : '';
}
