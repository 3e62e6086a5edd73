/** What of a text was not shown yet, as far as it is known. @param tail the end of a text of `chars` characters */
export function partsAfter(shown: number, tail: string, chars: number): { offset: number; delta: string }[] {
  if (chars <= shown) return [];
  const start = chars - tail.length;
  const offset = Math.max(shown, start);
  return [{ offset, delta: tail.slice(offset - start) }];
}
