/** The output of a command: lines for a person, or JSON for a program. Escapes everything that a terminal would interpret. */
import { createInterface } from 'node:readline/promises';
import type { ThreadEvent, TreeEvent } from '../../../contract/index.ts';
import { toVisible, toVisibleJson, toVisibleLine } from '../../../contract/plain/foreign-text.ts';
import { FEWEST_COLUMNS, type Part, createTextStream, linesOf, quote, toCopy, toScreen } from './terminal-text.ts';

export interface Output {
  json: boolean;
  /** Whether partial text is shown. */
  live: boolean;
  /** The one result of a command. A string is one line of foreign text. */
  result(value: unknown, lines: readonly Part[]): void;
  /** One event of a stream: a line of JSON, or lines for a person. */
  event(event: ThreadEvent | TreeEvent, lines: readonly Part[]): void;
  /** Only for a person. */
  say(line: Part): void;
  /** Foreign text in pieces. Line feeds and tabs stay. */
  write(text: string): void;
  /** Progress, on standard error. */
  progress(line: Part): void;
  /** The reason why the command failed, and what to do, in lines of ours. One line of JSON: events may have come before it. */
  fail(error: { code: string; message: string }, advice?: readonly string[]): void;
}

export function createOutput(options: { json: boolean }): Output {
  const { json } = options;
  const stream = createTextStream(() => columnsOf(process.stdout));
  const print = (text: string) => void process.stdout.write(stream.interrupt() + text);
  const toText = (lines: readonly Part[]) => toLines(lines, process.stdout);
  return {
    json,
    live: !json && process.stdout.isTTY,
    result: (value, lines) => print(json ? `${toVisibleJson(value, 2)}\n` : toText(lines)),
    event: (event, lines) => print(json ? `${toVisibleJson(event)}\n` : toText(lines)),
    say(line) {
      if (!json) print(toText([line]));
    },
    write(text) {
      if (!json) process.stdout.write(stream.next(text));
    },
    progress: (line) => void process.stderr.write(toLines([line], process.stderr)),
    fail(error, advice = []) {
      if (json) print(`${toVisibleJson({ error })}\n`);
      else printProblem([error.message, ...advice]);
    },
  };
}

/** A whole document, byte for byte. A terminal gets it without what it would interpret. */
export function printDocument(text: string): void {
  process.stdout.write(process.stdout.isTTY ? toVisible(text) : text);
}

/** Standard output, for a command that speaks a protocol on it. */
export function protocolOutput(): NodeJS.WriteStream {
  return process.stdout;
}

/** No without a terminal. @param question in words of ours */
export async function askPerson(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  const reader = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await reader.question(`${toVisibleLine(question)} [y/N] `);
  reader.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** On standard error. The first line is what is wrong, foreign text; the others are ours. */
export function printProblem([message = '', ...ours]: readonly string[]): void {
  const [first = '', ...others] = linesOf(`bobbin: ${message}`);
  process.stderr.write(toLines([first, ...others.map(quote), ...ours.map(toCopy)], process.stderr));
}

function toLines(lines: readonly Part[], stream: NodeJS.WriteStream): string {
  return lines.map((line) => `${toScreen(line, columnsOf(stream))}\n`).join('');
}

/** Only a terminal breaks lines. */
function columnsOf({ isTTY, columns }: NodeJS.WriteStream): number | undefined {
  return isTTY ? Math.max(FEWEST_COLUMNS, columns) : undefined;
}
