/** The server on standard input and output, for a client that starts it as a process. */
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Access } from './access.ts';
import { createMcpServer } from './server.ts';

/** Bytes of one message. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Resolves when the client has closed the connection, or the signal fires. */
export async function runStdio(
  access: Access,
  { input, output, signal }: { input: Readable; output: Writable; signal: AbortSignal },
): Promise<void> {
  const transport = new WatchedTransport(Readable.from(slowly(input, output)), output, {
    maxBufferSize: MAX_MESSAGE_BYTES,
  });
  const connection = serveStdio(() => createMcpServer(access), { transport, onerror: access.onError });
  signal.addEventListener('abort', () => void connection.close(), { once: true });
  if (signal.aborted) await connection.close();
  await transport.ended;
}

class WatchedTransport extends StdioServerTransport {
  #end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.#end = resolve));

  override async close(): Promise<void> {
    await super.close();
    this.#end();
  }
}

/** A client that does not read is not read from, so its answers do not pile up here. */
async function* slowly(input: Readable, output: Writable): AsyncGenerator<Buffer> {
  for await (const chunk of input as AsyncIterable<Buffer>) {
    if (output.writableNeedDrain) await once(output, 'drain');
    yield chunk;
  }
}
