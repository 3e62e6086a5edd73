/** Where a command's words go: lines for a person, or JSON for a program. Everything is made fit for a terminal here. */
import type { ThreadEvent } from '../../contract/index.ts';
import { toVisibleJson } from '../../contract/plain/foreign-text.ts';
import { type Part, createTextStream, linesOf, toTerminal } from './terminal-text.ts';

export interface Output {
  json: boolean;
  /** Whether partial text is shown as it comes. */
  live: boolean;
  /** The one result of a command. A string is one line of foreign text. */
  result(value: unknown, lines: readonly Part[]): void;
  /** One event of a stream: a line of JSON, or lines for a person. */
  event(event: ThreadEvent, lines: readonly Part[]): void;
  /** For a person only. */
  say(line: Part): void;
  /** Foreign text as it comes, in pieces. Line feeds and tabs stay. */
  write(text: string): void;
  /** Progress of something long, on standard error and only on a terminal, unless it is all there is to see. */
  progress(line: Part): void;
  /** Why the command failed. */
  fail(error: { code: string; message: string }): void;
}

export function createOutput(options: { json: boolean }): Output {
  const { json } = options;
  const print = (text: string) => void process.stdout.write(text);
  const stream = createTextStream();
  return {
    json,
    live: !json && process.stdout.isTTY,
    result: (value, lines) => print(json ? `${toVisibleJson(value, 2)}\n` : toText(lines)),
    event: (event, lines) => print(json ? `${toVisibleJson(event)}\n` : toText(lines)),
    say(line) {
      if (!json) print(toText([line]));
    },
    write(text) {
      if (!json) print(stream(text));
    },
    progress: (line) => void process.stderr.write(toText([line])),
    fail(error) {
      if (json) print(`${toVisibleJson({ error }, 2)}\n`);
      else process.stderr.write(toText(linesOf(`bobbin: ${error.message}`)));
    },
  };
}

function toText(lines: readonly Part[]): string {
  return lines.map((line) => `${toTerminal(line)}\n`).join('');
}
