/** Converts errors of the Temporal client into the error of this client. */
import {
  NamespaceNotFoundError,
  QueryNotRegisteredError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/common';
import { ZodError } from 'zod';
import { BOBBIN_ERROR_CODES, BobbinError, type BobbinErrorCode } from './bobbin-error.ts';
import { GRPC, grpcStatus } from './grpc.ts';
import { describeZod } from './zod-words.ts';

/** Wraps an error of the Temporal client once. @param about the thread and the action, for the message */
export function toBobbinError(error: unknown, about: { threadId: string; action: string }): BobbinError {
  const { threadId, action } = about;
  if (error instanceof BobbinError) return error;
  if (error instanceof ZodError) return new BobbinError('invalid', `${action}: ${describeZod(error)}`, error);
  const unknownNamespace = toNamespaceError(error, action);
  if (unknownNamespace !== null) return unknownNamespace;
  if (error instanceof WorkflowUpdateFailedError) return ofUpdate(error, about);
  const failed = ofFailedStep(error);
  if (failed !== null) return new BobbinError(failed.code, `${action}: ${failed.message}`, error);
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new BobbinError(
      'threadExists',
      `${action}: a thread ${threadId} exists or was closed; use another id.`,
      error,
    );
  }
  if (error instanceof WorkflowNotFoundError) return notFound(error, about);
  if (error instanceof QueryNotRegisteredError) return fromQuery(error, about);
  const status = grpcStatus(error);
  if (status === GRPC.NOT_FOUND) return notFound(error, about);
  // FAILED_PRECONDITION: no worker has served this thread yet, or none has polled lately.
  const noWorker = [GRPC.DEADLINE_EXCEEDED, GRPC.CANCELLED, GRPC.FAILED_PRECONDITION].some((code) => code === status);
  if (noWorker) {
    return new BobbinError(
      'workerUnavailable',
      `${action}: thread ${threadId} did not answer in time. Is a worker running on its task queue?`,
      error,
    );
  }
  if (status === GRPC.UNAVAILABLE) {
    return new BobbinError('serviceUnavailable', `${action}: the Temporal service does not answer.`, error);
  }
  const where = threadId === '-' ? action : `${action} (thread ${threadId})`;
  return new BobbinError('internal', `${where}: ${deepestMessage(error)}`, error);
}

/** The service's type for an accepted update of a workflow that ends or is terminated before it answers. */
const ENDED_BEFORE_ANSWER = 'AcceptedUpdateCompletedWorkflow';

/** The reason is that of the update itself or of a step that it waited for. */
function ofUpdate(error: WorkflowUpdateFailedError, { threadId, action }: { threadId: string; action: string }) {
  const cause = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
  const message = `${action}: ${cause?.message ?? error.message}`;
  if (cause instanceof TimeoutFailure)
    return new BobbinError(cause.timeoutType === 'SCHEDULE_TO_START' ? 'hostAway' : 'stepTimedOut', message, error);
  if (cause instanceof CancelledFailure) return new BobbinError('cancelled', message, error);
  const type = cause instanceof ApplicationFailure ? (cause.type ?? 'internal') : 'internal';
  if (type === ENDED_BEFORE_ANSWER) return closed(error, { threadId, action });
  const known = BOBBIN_ERROR_CODES.find((code) => code === type);
  return new BobbinError(known ?? 'internal', known === undefined ? `${message} (${type})` : message, error);
}

function closed(error: unknown, { threadId, action }: { threadId: string; action: string }): BobbinError {
  return new BobbinError('threadClosed', `${action}: thread ${threadId} is closed; it can be resumed.`, error);
}

/** Why a step of a workflow that this client has started has failed; null for another error. */
function ofFailedStep(error: unknown): { code: BobbinErrorCode; message: string } | null {
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ActivityFailure)) return null;
  const { cause } = error.cause;
  if (!(cause instanceof ApplicationFailure)) return null;
  const code = STEP_CODES.find((known) => known === cause.type);
  return code === undefined ? null : { code, message: cause.message };
}

const STEP_CODES = ['archiveMissing', 'archiveUnavailable'] as const;

/** Null for another error. */
export function toNamespaceError(error: unknown, action: string): BobbinError | null {
  const isIt =
    error instanceof NamespaceNotFoundError ||
    (grpcStatus(error) === GRPC.NOT_FOUND && /^(\d+ NOT_FOUND: )?namespace .*not found/i.test(deepestMessage(error)));
  if (!isIt) return null;
  const [, name = ''] = /'(.*)'/.exec(deepestMessage(error)) ?? [];
  const namespace = error instanceof NamespaceNotFoundError ? error.namespace : name;
  return new BobbinError('namespaceNotFound', `${action}: the Temporal service has no namespace ${namespace}.`, error);
}

/** The service's message is in the cause. */
export function deepestMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? deepestMessage(error.cause) : error.message;
}

/**
 * A failed query has only a message. Its code is at the start: see `workflows/thread/shell/handlers.ts` and
 * `workflows/sandbox/stale-query-fence.ts`.
 */
function fromQuery(error: QueryNotRegisteredError, { threadId, action }: { threadId: string; action: string }) {
  const [, code, reason] = /^(threadOpening|taskToCome|malformed): (.*)$/s.exec(error.message) ?? [];
  if (code === 'threadOpening') {
    return new BobbinError('threadOpening', `${action}: thread ${threadId} is being opened; ask again.`, error);
  }
  if (code === 'taskToCome') {
    return new BobbinError('betweenWorkers', `${action}: another worker is taking over ${threadId}; ask again.`, error);
  }
  const known = code === 'malformed' ? 'malformed' : 'internal';
  return new BobbinError(known, `${action} (thread ${threadId}): ${reason ?? error.message}`, error);
}

/** Whether a not-found error means that the workflow has completed. The message for a missing workflow contains its id. */
export function hasEnded(error: unknown): boolean {
  return /^(\d+ NOT_FOUND: )?workflow execution already completed\.?$/i.test(deepestMessage(error));
}

function notFound(error: unknown, about: { threadId: string; action: string }): BobbinError {
  const { threadId, action } = about;
  return hasEnded(error)
    ? closed(error, about)
    : new BobbinError(
        'threadNotFound',
        `${action}: there is no thread ${threadId} in this namespace, or Temporal no longer keeps it (a closed one is kept for the namespace's retention time).`,
        error,
      );
}
