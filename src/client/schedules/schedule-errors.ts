/** From the errors that Temporal has about a schedule to the one error of this client. */
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import { ZodError } from 'zod';
import { BobbinError } from '../bobbin-error.ts';
import { GRPC, grpcStatus } from '../errors.ts';
import { describeZod } from '../zod-words.ts';

/** Wraps an error once. @param about what was asked of which schedule, for the message */
export function toScheduleError(error: unknown, about: string): BobbinError {
  if (error instanceof BobbinError) return error;
  if (error instanceof ZodError) return new BobbinError('invalid', `${about}: ${describeZod(error)}`, error);
  if (error instanceof ScheduleAlreadyRunning) {
    return new BobbinError(
      'scheduleExists',
      `${about}: there is one of that id; take another, or say that it is to be updated (\`--if-exists update\`).`,
      error,
    );
  }
  const status = grpcStatus(error);
  if (error instanceof ScheduleNotFoundError || status === GRPC.NOT_FOUND) return scheduleNotFound(error, about);
  // Times that the service cannot read come as this, with its words.
  if (error instanceof TypeError || status === GRPC.INVALID_ARGUMENT) {
    return new BobbinError('invalid', `${about}: ${deepestMessage(error)}`, error);
  }
  if (status === GRPC.UNAVAILABLE || status === GRPC.DEADLINE_EXCEEDED || status === GRPC.CANCELLED) {
    return new BobbinError(
      'serviceUnavailable',
      `${about}: the Temporal service did not answer in time. Look with \`bobbin doctor\`.`,
      error,
    );
  }
  return new BobbinError('internal', `${about}: ${deepestMessage(error)}`, error);
}

function scheduleNotFound(error: unknown, about: string): BobbinError {
  return new BobbinError(
    'scheduleNotFound',
    `${about}: there is none in this namespace. \`bobbin schedule list\` shows those there are.`,
    error,
  );
}

/** What the service said stands in the cause. */
function deepestMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? deepestMessage(error.cause) : error.message;
}
