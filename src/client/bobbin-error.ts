/** The error of the client, in a separate file so that a command can use it without loading the client. */
import { REJECTION_CODES } from '../contract/plain/rejection-codes.ts';

/** Codes of later workers are not among them: they become `internal`. */
export const BOBBIN_ERROR_CODES = [
  ...REJECTION_CODES,
  /** The client refused the message before sending it. */
  'invalid',
  /** A turn that the call waited for did not complete. */
  'turnFailed',
  'turnAborted',
  'threadNotFound',
  'threadExists',
  /** Several threads have an id that begins like this. */
  'threadAmbiguous',
  /** The service has no namespace of that name. */
  'namespaceNotFound',
  'threadOpening',
  /** Another worker takes over the workflow. The call can be repeated at once. */
  'betweenWorkers',
  /** The thread did not accept its start argument: the thread or turn to continue from cannot be used. */
  'threadRefused',
  'hostNotFound',
  /** The thread cannot be moved there: no such host, or it is away or takes no threads, or lacks the folder. */
  'hostUnknown',
  'hostNotServing',
  'workspaceMissing',
  'workspaceMoved',
  'workspaceHoldsSettings',
  'workspaceClosed',
  /** The workspace of a thread cannot be made on the host that it is moved to. */
  'restoreIncomplete',
  'storeUnavailable',
  /** What an undo needs or writes; see `docs/errors.md`. */
  'nothingToUndo',
  'snapshotElsewhere',
  'snapshotMissing',
  'filesNotWritten',
  'sandboxUnavailable',
  /** A step that the call waited for did not run to its end. */
  'hostAway',
  'stepTimedOut',
  'stepStoppedByWorker',
  'cancelled',
  'threadMissing',
  'threadUnreadable',
  /** The archive of the worker that was asked lacks a segment of the past of a thread, or it is damaged. */
  'archiveMissing',
  'archiveUnavailable',
  'repositoryRefused',
  'repositoryMissing',
  'repositoryUnauthorized',
  'repositoryRefMissing',
  'repositoryPathMissing',
  'repositoryTooLarge',
  'gitFailed',
  /** A worker serves the host. */
  'hostServed',
  'identityNotFound',
  'agentIdentityRevoked',
  'agentIdentityRefused',
  'agentIdentityUnavailable',
  'agentIdentityAnswerMalformed',
  'agentKeyMissing',
  /** These bytes are no image that a model can see. */
  'imageUnusable',
  /** The archive does not have it. */
  'imageNotFound',
  /** This client has no archive, or cannot reach it. */
  'imagesUnavailable',
  'ledgerNotFound',
  'findingUnknown',
  'findingDismissed',
  'findingNotDismissed',
  'batchNotFound',
  'batchExists',
  'batchRefused',
  /** The workflow of the batch has ended: completed, terminated, or timed out. */
  'batchEnded',
  /** A search attribute with that name has another type, or there is no room for one more. */
  'searchAttributeTaken',
  /** The service does not permit this client to do it. */
  'notPermitted',
  'scheduleNotFound',
  'scheduleExists',
  /** A schedule with that id exists, and starts something else. */
  'scheduleForeign',
  'serviceUnavailable',
  /** The rules of a repository could not be read or changed. */
  'rulesUnavailable',
  /** No worker answered in time. What was sent as a signal is kept and will be handled. */
  'workerUnavailable',
  'internal',
] as const;

export type BobbinErrorCode = (typeof BOBBIN_ERROR_CODES)[number];

/** An error of the client. `code` is for programs, the message says what failed, with which ids, and what to do. */
export class BobbinError extends Error {
  readonly code: BobbinErrorCode;
  /** What was asked for may still be done, and would be done again if it was asked for again. */
  readonly mayBeDone: boolean;
  constructor(code: BobbinErrorCode, message: string, cause?: unknown, { mayBeDone = false } = {}) {
    super(message, cause === undefined ? {} : { cause });
    this.name = 'BobbinError';
    this.code = code;
    this.mayBeDone = mayBeDone;
  }
}
