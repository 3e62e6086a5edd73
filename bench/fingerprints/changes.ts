/** Changes of code after which it is known where every line went. Each file of a change has other lines. */
import ts from 'typescript';
import type { Origin } from './history.ts';

export interface Changed {
  files: Map<string, string>;
  /** Where a line of `files` was before; null for a new one. */
  originOf(path: string, line: number): Origin | null;
}

/** Lines of a file with where each was. */
type Traced = { text: string; origin: Origin | null }[];

function traced(path: string, text: string): Traced {
  return text.split('\n').map((line, index) => ({ text: line, origin: { path, line: index + 1 } }));
}

const added = (text: string): Traced[number] => ({ text, origin: null });

function toChanged(files: ReadonlyMap<string, Traced>): Changed {
  return {
    files: new Map([...files].map(([path, lines]) => [path, lines.map(({ text }) => text).join('\n')])),
    originOf: (path, line) => files.get(path)?.[line - 1]?.origin ?? null,
  };
}

type Files = ReadonlyMap<string, string>;

function perFile(
  files: Files,
  change: (lines: Traced, index: number, path: string) => Traced,
  rename = (path: string) => path,
): Changed {
  return toChanged(
    new Map([...files].map(([path, text], index) => [rename(path), change(traced(path, text), index, path)])),
  );
}

export function unchanged(files: Files): Changed {
  return perFile(files, (lines) => lines);
}

/** At the top, and before every top-level declaration. */
export function linesInserted(files: Files): Changed {
  return perFile(files, (lines, index) =>
    lines.flatMap((line, at) => {
      const declares = at === 0 || /^(export |async )*(function|const|class|interface|type) /.test(line.text);
      const count = declares ? 1 + ((index * 7 + at) % 23) : 0;
      return [...Array.from({ length: count }, (_, n) => added(`// Said before line ${at + 1}: ${n}`)), line];
    }),
  );
}

export function filesRenamed(files: Files): Changed {
  return perFile(files, (lines) => lines, toNewName);
}

export function renamedAndInserted(files: Files): Changed {
  const inserted = linesInserted(files);
  const names = new Map([...inserted.files.keys()].map((path) => [toNewName(path), path]));
  return {
    files: new Map([...inserted.files].map(([path, text]) => [toNewName(path), text])),
    originOf: (path, line) => inserted.originOf(names.get(path) ?? path, line),
  };
}

function toNewName(path: string): string {
  return path.replace(/([^/]+)\.ts$/, 'moved/new-$1.ts');
}

/** Tabs instead of blanks, and one level deeper. */
export function indentedAnew(files: Files): Changed {
  return perFile(files, (lines) => [
    added('{'),
    ...lines.map(({ text, origin }) => ({
      text: text.replace(/^ */, (blanks) => '\t'.repeat(blanks.length / 2 + 1)),
      origin,
    })),
    added('}'),
  ]);
}

/** A word more at the end of every line that holds code, so that no line is as it was. */
export function everyLineEdited(files: Files): Changed {
  return perFile(files, (lines, index) =>
    lines.map(({ text, origin }) => ({ text: text.trim() === '' ? text : `${text} // ${index}`, origin })),
  );
}

/** Every second function goes to a file of its own, in which they stand in the other order. */
export function functionsMoved(files: Files): Changed {
  const after = new Map<string, Traced>();
  for (const [path, text] of files) {
    const lines = traced(path, text);
    const moved = functionsOf(text).filter((_, index) => index % 2 === 0);
    const isMoved = (at: number) => moved.some(({ start, end }) => at + 1 >= start && at + 1 <= end);
    after.set(
      path,
      lines.filter((_, at) => !isMoved(at)),
    );
    const bodies = moved.map(({ start, end }) => [...lines.slice(start - 1, end), added('')]);
    if (moved.length > 0)
      after.set(path.replace(/\.ts$/, '-parts.ts'), [added('// Parts.'), ...bodies.toReversed().flat()]);
  }
  return toChanged(after);
}

/** Top-level functions by their lines, counted from 1. */
function functionsOf(text: string): { start: number; end: number }[] {
  const file = ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest);
  const lineOf = (position: number) => file.getLineAndCharacterOfPosition(position).line + 1;
  const functions = file.statements.filter((statement) => ts.isFunctionDeclaration(statement));
  return functions.map((one) => ({ start: lineOf(one.getStart(file)), end: lineOf(one.end) }));
}
