/** Cutting text to what history takes, where it is weighed as it will stand: as JSON. No character is cut in half. */

/** The beginning of a text, at most that many characters of JSON. */
export function cutTo(chars: number, text: string): string {
  let kept = headOf(text, chars);
  for (let size = jsonChars(kept); size > chars; size = jsonChars(kept)) {
    kept = headOf(kept, Math.floor((kept.length * chars) / size));
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

export function jsonChars(text: string): number {
  return JSON.stringify(text).length - 2;
}
