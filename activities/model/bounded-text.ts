/** Cuts text to the limits of the history, measured as JSON. Never cuts a character in half. */

/** The beginning of a text, at most that many characters of JSON. */
export function cutTo(chars: number, text: string): string {
  return cutBy(jsonChars, chars, text);
}

/** The same in bytes of JSON. */
export function cutToBytes(bytes: number, text: string): string {
  return cutBy(jsonBytes, bytes, text);
}

function cutBy(sizeOf: (text: string) => number, most: number, text: string): string {
  let kept = headOf(text, most);
  for (let size = sizeOf(kept); size > most; size = sizeOf(kept)) {
    kept = headOf(kept, Math.floor((kept.length * most) / size));
  }
  return kept;
}

/** The first UTF-16 code units of a text. */
export function headOf(text: string, units: number): string {
  return text.slice(0, units).replace(/[\ud800-\udbff]$/, '');
}

/** The last UTF-16 code units of a text. */
export function tailOf(text: string, units: number): string {
  return text.slice(text.length - units).replace(/^[\udc00-\udfff]/, '');
}

export function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

export function jsonChars(text: string): number {
  return JSON.stringify(text).length - 2;
}
