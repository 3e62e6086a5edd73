/** The one error of the client; by itself, so that a command can name it without loading the client. */
import type { RejectionCode } from '../contract/index.ts';

export type BobbinErrorCode =
  | RejectionCode
  /** The message was refused before it was sent. */
  | 'invalid'
  /** A turn that was waited for did not complete. */
  | 'turnFailed'
  | 'turnAborted'
  | 'threadNotFound'
  | 'threadExists'
  | 'threadOpening'
  /** The one who knows the workflow is being changed; the question can be asked again at once. */
  | 'betweenWorkers'
  /** The thread did not take its start argument: it could not be resumed, or forked from what was named. */
  | 'threadRefused'
  | 'ledgerNotFound'
  | 'findingUnknown'
  | 'findingDismissed'
  | 'findingNotDismissed'
  | 'batchNotFound'
  | 'batchExists'
  | 'batchRefused'
  /** It ended without coming to its end: terminated, or timed out. */
  | 'batchEnded'
  /** Another search attribute of that name, or no room for one more. */
  | 'searchAttributeTaken'
  /** The service does not let this client do it. */
  | 'notPermitted'
  | 'scheduleNotFound'
  | 'scheduleExists'
  /** A schedule of that id is there, and starts something else. */
  | 'scheduleForeign'
  | 'serviceUnavailable'
  /** The rules of a repository could not be read or changed. */
  | 'rulesUnavailable'
  /** No worker answered in time. What was sent as a signal is kept and will be done. */
  | 'workerUnavailable'
  | 'internal';

/** An error of the client. `code` is for programs, the message says what failed, with which ids, and what to do. */
export class BobbinError extends Error {
  readonly code: BobbinErrorCode;
  constructor(code: BobbinErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'BobbinError';
    this.code = code;
  }
}
