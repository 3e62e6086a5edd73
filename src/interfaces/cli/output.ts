/** Where a command's words go: lines for a person, or JSON for a program. */
import type { ThreadEvent } from '../../contract/index.ts';

export interface Output {
  json: boolean;
  /** Whether partial text is shown as it comes. */
  live: boolean;
  /** The one result of a command. */
  result(value: unknown, lines: string[]): void;
  /** One event of a stream: a line of JSON, or lines for a person. */
  event(event: ThreadEvent, lines: string[]): void;
  /** For a person only. */
  say(line: string): void;
  write(text: string): void;
  /** Progress of something long, on standard error and only on a terminal, unless it is all there is to see. */
  progress(line: string): void;
}

export function createOutput(options: { json: boolean }): Output {
  const { json } = options;
  const print = (text: string) => process.stdout.write(text);
  return {
    json,
    live: !json && process.stdout.isTTY,
    result: (value, lines) =>
      print(json ? `${JSON.stringify(value, null, 2)}\n` : lines.map((line) => `${line}\n`).join('')),
    event: (event, lines) => print(json ? `${JSON.stringify(event)}\n` : lines.map((line) => `${line}\n`).join('')),
    say(line) {
      if (!json) print(`${line}\n`);
    },
    write(text) {
      if (!json) print(text);
    },
    progress: (line) => void process.stderr.write(`${line}\n`),
  };
}
