import { explainError } from '../../../folders/working-folder.ts';

/** Errors of the embedded Temporal service, and of the settings of an external one. */
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

/** The message names the path or port, the reason, and what to do. It is ready to be printed. */
export class TemporalServiceError extends Error {
  readonly code: TemporalServiceErrorCode;

  constructor(code: TemporalServiceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'TemporalServiceError';
    this.code = code;
  }
}

/** The first line of an error, for use in a message. */
export function reasonOf(error: unknown): string {
  return explainError(error).split('\n', 1)[0] ?? '';
}

/** The code of a system error, for example `ENOSPC`. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
