/** Connects to the service: a person is told soon that nothing is there, and waits longer for a service that is busy. */
import type { Bobbin, BobbinOptions } from '../../client/index.ts';

/** A person waits for it. */
const CONNECT_MS = 2_500;
/** If something listens at the address. */
const BUSY_MS = 10_000;

export async function connectPatiently(options: BobbinOptions): Promise<Bobbin> {
  const { connectBobbin } = await import('../../client/index.ts');
  try {
    return await connectBobbin({ ...options, connectTimeoutMs: CONNECT_MS });
  } catch (error) {
    if (!(await listens(options.connection.address))) throw error;
    return connectBobbin({ ...options, connectTimeoutMs: BUSY_MS });
  }
}

async function listens(address = '127.0.0.1:7233'): Promise<boolean> {
  const { connect } = await import('node:net');
  const [, host = '', port = ''] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? [];
  if (port === '') return false;
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(port), timeout: CONNECT_MS });
    const end = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}
