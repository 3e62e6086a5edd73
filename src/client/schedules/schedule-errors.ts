/** Converts Temporal's errors about a schedule into the error of this client. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import { ZodError } from 'zod';
import { BobbinError } from '../bobbin-error.ts';
import { deepestMessage, toNamespaceError } from '../errors.ts';
import { GRPC, grpcStatus } from '../grpc.ts';
import { describeZod } from '../zod-words.ts';

/** Wraps an error once. @param about the schedule and the action, for the message */
export function toScheduleError(error: unknown, about: string): BobbinError {
  if (error instanceof BobbinError) return error;
  if (error instanceof ZodError) return new BobbinError('invalid', `${about}: ${describeZod(error)}`, error);
  if (error instanceof ScheduleAlreadyRunning) {
    return new BobbinError(
      'scheduleExists',
      `${about}: a schedule with this id exists; use another id, or update it.`,
      error,
    );
  }
  const unknownNamespace = toNamespaceError(error, about);
  if (unknownNamespace !== null) return unknownNamespace;
  const status = grpcStatus(error);
  if (error instanceof ScheduleNotFoundError || status === GRPC.NOT_FOUND) return scheduleNotFound(error, about);
  // The service's message about times that it cannot parse.
  if (error instanceof TypeError || status === GRPC.INVALID_ARGUMENT) {
    return new BobbinError('invalid', `${about}: ${deepestMessage(error)}`, error);
  }
  if (status === GRPC.UNAVAILABLE || status === GRPC.DEADLINE_EXCEEDED || status === GRPC.CANCELLED) {
    return new BobbinError('serviceUnavailable', `${about}: the Temporal service did not answer in time.`, error);
  }
  return new BobbinError('internal', `${about}: ${deepestMessage(error)}`, error);
}

function scheduleNotFound(error: unknown, about: string): BobbinError {
  return new BobbinError('scheduleNotFound', `${about}: there is no such schedule in this namespace.`, error);
}
