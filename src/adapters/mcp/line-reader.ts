/** Splits chunks into lines of limited length. */
export interface LineReader {
  /** False if a line is too long; nothing may be pushed after that. */
  push(chunk: Buffer): boolean;
}

const NEWLINE = 10;

/** @param onLine gets each line that is not empty, without its end */
export function createLineReader(maxBytes: number, onLine: (line: string) => void): LineReader {
  let parts: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      for (let rest = chunk; rest.length > 0;) {
        const at = rest.indexOf(NEWLINE);
        const part = at === -1 ? rest : rest.subarray(0, at);
        bytes += part.length;
        if (bytes > maxBytes) return false;
        parts.push(part);
        if (at === -1) return true;
        const line = Buffer.concat(parts).toString('utf8').trim();
        parts = [];
        bytes = 0;
        if (line !== '') onLine(line);
        rest = rest.subarray(at + 1);
      }
      return true;
    },
  };
}
