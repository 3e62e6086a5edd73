import { explainError } from '../../../folders/working-folder.ts';

/** What went wrong with the Temporal service that Bobbin runs itself, or with the settings of another one. */
export type TemporalServiceErrorCode =
  | 'binaryNotFound'
  | 'configurationInvalid'
  | 'databaseCorrupted'
  | 'databaseLocked'
  | 'directoryUnwritable'
  | 'diskFull'
  | 'portTaken'
  | 'serviceUnresponsive'
  | 'startFailed';

/** A message names the path or port, what was said about it, and what to do; it is ready to be printed. */
export class TemporalServiceError extends Error {
  readonly code: TemporalServiceErrorCode;

  constructor(code: TemporalServiceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'TemporalServiceError';
    this.code = code;
  }
}

/** First line of what was thrown, for a sentence of our own. */
export function reasonOf(error: unknown): string {
  return explainError(error).split('\n', 1)[0] ?? '';
}

/** The code of a system error, for example `ENOSPC`. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
