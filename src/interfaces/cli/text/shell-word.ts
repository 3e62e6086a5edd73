/** One word for a shell, also if it is foreign text: nothing in it is interpreted. */
export function shellWord(word: string): string {
  return /^[\w.,:@%+/=-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
