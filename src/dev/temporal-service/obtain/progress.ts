/** Takes one line for a person to read. */
export type Progress = (line: string) => void;

const FIRST_LINE_MS = 2_000;
const NEXT_LINE_MS = 5_000;

/** Runs `work`. Where it takes longer than two seconds, `describe` is asked for a line then and every five seconds. */
export async function withProgress<T>(
  onProgress: Progress | undefined,
  describe: () => string,
  work: () => Promise<T>,
): Promise<T> {
  if (onProgress === undefined) return await work();
  const startedAt = Date.now();
  const say = () => {
    onProgress(`${describe()} (${Math.round((Date.now() - startedAt) / 1000)} s)`);
    timer = setTimeout(say, NEXT_LINE_MS).unref();
  };
  let timer = setTimeout(say, FIRST_LINE_MS).unref();
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
