/** Stands between a worker and a service on a port of its own: while it is severed, every connection is reset. */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

export interface SeverableProxy {
  url: string;
  /** Resets what is open, and every new connection. */
  sever(): void;
  mend(): void;
  /** Connections that were reset since it was last severed. */
  refused(): number;
  close(): Promise<void>;
}

export async function startSeverableProxy(target: string): Promise<SeverableProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let severed = false;
  let refused = 0;
  const server = createServer((socket) => {
    if (severed) {
      refused++;
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(port), hostname);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sever() {
      severed = true;
      refused = 0;
      for (const socket of open) socket.resetAndDestroy();
    },
    mend: () => void (severed = false),
    refused: () => refused,
    close() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
