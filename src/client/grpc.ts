/** The status of a failed call to the Temporal service. */
import { isGrpcServiceError } from '@temporalio/client';

/** The gRPC status codes that are handled; gRPC fixes the numbers. */
export const GRPC = {
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  FAILED_PRECONDITION: 9,
  UNAVAILABLE: 14,
  CANCELLED: 1,
  NOT_FOUND: 5,
};

/** A call ran out of time, and the service answers no other one either. */
export class SilentServiceError extends Error {
  constructor(cause: unknown) {
    super('The Temporal service does not answer.', { cause });
  }
}

/** The gRPC status of an error or of its causes; undefined if there is none. */
export function grpcStatus(error: unknown): number | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof SilentServiceError) return GRPC.UNAVAILABLE;
    if (isGrpcServiceError(current)) return current.code;
  }
  return undefined;
}
