/** Applies the body to all, at most `most` at a time. The results are in the order of the input. */
export async function inParallel<T, R>(most: number, all: readonly T[], body: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const left = all.entries();
  const work = async (): Promise<void> => {
    for (const [index, one] of left) results[index] = await body(one);
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, work));
  return results;
}
