/** What can be wrong with a server. Stands apart from the SDK, which takes half a second to load and is not always needed. */

/** The SDK's own codes: an answer did not come in time, or is none. */
const REQUEST_TIMEOUT = 'REQUEST_TIMEOUT';
const INVALID_RESULT = 'INVALID_RESULT';

/** What is wrong with a server, in words that need no more said. */
export class ServerFault extends Error {}

/** What is wrong, in a few words that a person can read. */
export function describeFault(error: unknown): string {
  if (error instanceof ServerFault) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  if (code === REQUEST_TIMEOUT) return 'it did not answer in time';
  // What the schemas of the protocol say of an answer is long, and of no use to a model.
  if (code === INVALID_RESULT) return 'its answer does not follow the protocol';
  const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : '';
  const kind = error.name === 'ProtocolError' ? `MCP error ${String(code)}: ` : '';
  return `${kind}${error.message}${cause}`;
}

/** Whether the server never took the request, so that asking a new connection is safe. */
export function wasNeverTaken(error: unknown): boolean {
  const { status, cause } = error as { status?: unknown; cause?: { code?: unknown } };
  // A session that the server no longer knows, or nobody there.
  return status === 404 || cause?.code === 'ECONNREFUSED';
}

/** The SDK's own time limits leave out what comes before a request is sent. */
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
