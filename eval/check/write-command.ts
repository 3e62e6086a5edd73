import { posix } from 'node:path';

/** One line that writes any text to a file, and makes its folder. */
export function toWriteCommand(path: string, content: string | Uint8Array): string {
  const base64 = Buffer.from(content).toString('base64');
  return `mkdir -p ${quoted(posix.dirname(path))} && printf %s ${base64} | base64 -d > ${quoted(path)}`;
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
