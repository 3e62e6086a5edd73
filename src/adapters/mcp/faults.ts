/** Describes problems of servers. Does not import the SDK, which takes half a second to load and is not always needed. */

/** The SDK's codes for a timeout and for an invalid answer. */
const REQUEST_TIMEOUT = 'REQUEST_TIMEOUT';
const INVALID_RESULT = 'INVALID_RESULT';

/** A problem of a server with a readable message. */
export class ServerFault extends Error {}

/** Describes a problem in a few words for a person. */
export function describeFault(error: unknown): string {
  if (error instanceof ServerFault) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (code === REQUEST_TIMEOUT) return 'it did not answer in time';
  // The messages of the protocol's schemas are long and useless for a model.
  if (code === INVALID_RESULT) return 'its answer does not follow the protocol';
  const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : '';
  const kind = error.name === 'ProtocolError' ? `MCP error ${String(code)}: ` : '';
  return `${kind}${error.message}${cause}`;
}

/** Whether the server never received the request, so that a new connection may repeat it. */
export function wasNeverTaken(error: unknown): boolean {
  const { status, cause } = error as { status?: unknown; cause?: { code?: unknown } };
  // The server does not know the session any longer, or cannot be reached.
  return status === 404 || cause?.code === 'ECONNREFUSED';
}

/** The SDK's timeouts do not include the time before a request is sent. */
export async function within<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([run(), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
