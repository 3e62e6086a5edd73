import { connect } from 'node:net';
import { reasonOf } from '../temporal-service/run/service-error.ts';

/** Returns why an HTTP URL cannot be reached; undefined if something listens there. Sends nothing. */
export async function findFault(url: string, signal: AbortSignal): Promise<string | undefined> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol)) return 'not an http or https URL';
  const port = Number(parsed.port) || (parsed.protocol === 'https:' ? 443 : 80);
  const socket = connect({ host: parsed.hostname.replace(/^\[|\]$/g, ''), port, signal });
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(undefined));
      socket.once('error', (error) => resolve(reasonOf(error) || 'no connection'));
    });
  } finally {
    socket.destroy();
  }
}
