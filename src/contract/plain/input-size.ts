/** What limits an input. Both the schema and the guard of the workflow use it. */
type Part = { type: 'text'; text: string } | { type: 'image' } | { type: 'localImage'; path: string };

/** UTF-16 code units of its text and its paths. */
export function inputChars(input: readonly Part[]): number {
  return input.reduce((sum, part) => sum + wordsOf(part).length, 0);
}

export function imagesOf(input: readonly Part[]): number {
  return input.filter(({ type }) => type !== 'text').length;
}

export function saysSomething(input: readonly Part[]): boolean {
  return input.some((part) => part.type !== 'text' || part.text.trim() !== '');
}

function wordsOf(part: Part): string {
  if (part.type === 'text') return part.text;
  return part.type === 'localImage' ? part.path : '';
}
