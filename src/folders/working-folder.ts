/** A process whose working directory was removed cannot get its path. */
const GONE = 'The folder that this was started in is gone. Change to one that is there.';

/** The message of an error for a person. */
export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).syscall === 'uv_cwd' ? GONE : error.message;
}
