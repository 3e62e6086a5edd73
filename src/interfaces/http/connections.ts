/**
 * Connections. Clients without a token could open all that the server has, so those that nobody with a token uses at the
 * moment are few: one more replaces the oldest. A client that does not take its answer is cut.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Keeps the connection of an answer until it is sent. Call it when the token of the request is valid. */
  use(response: ServerResponse): void;
}

export interface ConnectionLimits {
  /** How long a client may take nothing of an answer, in milliseconds. */
  patienceMs: number;
  /** Connections without a request that has a valid token. */
  maxUnused: number;
}

export function watchConnections(server: Server, { patienceMs, maxUnused }: ConnectionLimits): Connections {
  /** The oldest first. */
  const unused = new Set<Socket>();
  const add = (socket: Socket): void => {
    unused.add(socket);
    const [oldest] = unused;
    if (unused.size > maxUnused) oldest?.destroy();
  };
  server.on('connection', (socket: Socket) => {
    socket.once('close', () => unused.delete(socket));
    add(socket);
  });
  // Before the application, which may answer at once.
  server.prependListener('request', (_, response: ServerResponse) => {
    // Node counts what the client takes as activity, and replaces this by its own time limit for the next request.
    response.once('prefinish', () => response.socket?.setTimeout(patienceMs));
  });
  return {
    use(response) {
      const { socket } = response;
      if (socket === null) return;
      unused.delete(socket);
      response.once('close', () => {
        if (!socket.destroyed) add(socket);
      });
    },
  };
}
