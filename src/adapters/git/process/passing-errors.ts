/** File system errors that are about the current state of the machine, and not about the path. */
import { Failure } from '../../../../activities/failures.ts';

/** Codes about the path. Any other error may be temporary: a full disk, too many open files, a broken device. */
const ABOUT_THE_PATH: ReadonlySet<string> = new Set(
  'EACCES EPERM ENOENT ENOTDIR EISDIR ENOTEMPTY EEXIST ELOOP ENAMETOOLONG EINVAL EFTYPE EBUSY ENXIO ENOTSUP'.split(' '),
);

export function mayPass(code: string): boolean {
  return !ABOUT_THE_PATH.has(code);
}

/** Gives a temporary error a code that is retried; other errors are unchanged. */
export function toPassing(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error instanceof Failure || error.name === 'AbortError') return error;
  const { code } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code) || !mayPass(code)) return error;
  const message = `The files of ${folder} were not put back: ${error.message}`;
  return new Failure('filesNotWritten', message, { cause: error, details: { path: folder, code } });
}
