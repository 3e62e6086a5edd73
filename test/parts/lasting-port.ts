/** A port for a server that is ended and started again at the same address. */
import { randomInt } from 'node:crypto';
import { isPortFree } from '../../src/dev/temporal-service/run/ports.ts';

/** Below the ports that Linux and macOS give to connections, and to listeners that ask for any port. */
const LASTING_PORTS = { from: 20_000, to: 32_000 };

/**
 * A port of 127.0.0.1 that is free now, and that no other process is given while its server is down. A port that the
 * system chose could be.
 */
export async function findLastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(LASTING_PORTS.from, LASTING_PORTS.to);
    if (await isPortFree(port, '127.0.0.1')) return port;
  }
}
