/** Connects to the service. Fails early if nothing listens at its address, and waits longer if the service is busy. */
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
  const { findFault } = await import('../../dev/checks/address.ts');
  const hasPort = /:\d+$/.test(address);
  return hasPort && (await findFault(`http://${address}`, AbortSignal.timeout(CONNECT_MS))) === undefined;
}
