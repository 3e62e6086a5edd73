/** The same body over all of a list, so many of them at a time. */
export async function sideBySide<T, R>(
  entries: readonly T[],
  atATime: number,
  body: (entry: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const runner = async () => {
    for (let index = next++; index < entries.length; index = next++)
      results[index] = await body(entries[index]!, index);
  };
  await Promise.all(Array.from({ length: atATime }, runner));
  return results;
}
