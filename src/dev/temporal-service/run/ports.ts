import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describePortHolder } from './port-holder.ts';
import { TemporalServiceError } from './service-error.ts';

export interface PortPair {
  port: number;
  uiPort: number;
}

/** The required ports; 0: any free port; null: no UI, so no port for it. */
export interface WantedPorts {
  port?: number;
  uiPort?: number | null;
}

export const PREFERRED_PORTS: PortPair = { port: 7233, uiPort: 8233 };

const PAIRS_TRIED = 200;

export async function isPortFree(port: number, ip: string): Promise<boolean> {
  return (await listenOnce(port, ip)) !== undefined;
}

/** Returns a port that is free now. */
export async function findFreePort(ip: string): Promise<number> {
  const port = await listenOnce(0, ip);
  if (port === undefined) throw new TemporalServiceError('portTaken', `No port can be opened on ${ip}.`);
  return port;
}

/**
 * Chooses the ports: required ones as they are, otherwise the preferred pair or the next pair with both free. Throws
 * `portTaken` if a required port is in use.
 */
export async function choosePorts(
  wanted: WantedPorts,
  ip: string,
  preferred = PREFERRED_PORTS,
): Promise<{ port: number; uiPort: number | null }> {
  if (wanted.port) await requireFree(wanted.port, ip, 'Temporal service');
  if (wanted.uiPort) await requireFree(wanted.uiPort, ip, 'Temporal UI');
  for (let step = 0; step < PAIRS_TRIED; step++) {
    // Another process can take a port that was free a moment ago, so each step asks for "any free port" again.
    const port = await listenOnce(wanted.port ?? preferred.port + step, ip);
    const uiPort = wanted.uiPort === null ? null : await listenOnce(wanted.uiPort ?? preferred.uiPort + step, ip);
    if (port !== undefined && uiPort !== undefined && port !== uiPort) return { port, uiPort };
  }
  throw new TemporalServiceError(
    'portTaken',
    `None of ${PAIRS_TRIED} port pairs from ${preferred.port} and ${preferred.uiPort} on is free on ${ip}. ` +
      'Name free ones, or end what holds them.',
  );
}

async function requireFree(port: number, ip: string, purpose: string): Promise<void> {
  if (await isPortFree(port, ip)) return;
  throw new TemporalServiceError(
    'portTaken',
    `Port ${port} on ${ip}, wanted for the ${purpose}, is in use by ${await describePortHolder(port)}. ` +
      'End that process, or choose another port, or leave the choice to Bobbin.',
  );
}

async function listenOnce(port: number, ip: string): Promise<number | undefined> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: ip, exclusive: true }, () => {
      const bound = (server.address() as AddressInfo).port;
      server.close(() => resolve(bound));
    });
  });
}
