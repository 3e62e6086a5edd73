/** Several sources as one, in the order in which their values come. No source is read ahead: it waits until its value is taken. */
export interface Merge<T> {
  /** Reads a source from now on. @param done called after its end. An error of it ends the merge. */
  add(source: AsyncIterable<T>, done: () => void): void;
  /** The next value; undefined as soon as every source has ended. Rejects with the first error of a source. */
  next(): Promise<T | undefined>;
}

/** @param signal lets go of sources whose values nobody takes any more */
export function createMerge<T>(signal: AbortSignal): Merge<T> {
  const offered: { value: T; taken: () => void }[] = [];
  let sources = 0;
  let failed: { error: unknown } | null = null;
  let wake = (): void => undefined;

  const offer = (value: T): Promise<void> =>
    new Promise((resolve) => {
      const taken = (): void => {
        signal.removeEventListener('abort', taken);
        resolve();
      };
      signal.addEventListener('abort', taken);
      offered.push({ value, taken });
      wake();
    });

  const read = async (source: AsyncIterable<T>): Promise<void> => {
    for await (const value of source) {
      await offer(value);
      if (signal.aborted) return;
    }
  };

  return {
    add(source, done) {
      sources += 1;
      void read(source)
        .catch((error: unknown) => void (failed ??= { error }))
        .finally(() => {
          sources -= 1;
          done();
          wake();
        });
    },
    async next() {
      for (;;) {
        const first = offered.shift();
        if (first !== undefined) {
          first.taken();
          return first.value;
        }
        if (failed !== null) throw failed.error;
        if (sources === 0) return undefined;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
