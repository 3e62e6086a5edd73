/** `/livez`: this process answers. `/readyz`: it accepts requests, and the Temporal service answers. Both need no token. */
import type { Bobbin } from '../../client/index.ts';
import type { App } from './app.ts';

/** How long an answer of the service is used, and how long it is waited for, in milliseconds. */
const FRESH_MS = 1_000;
const PATIENCE_MS = 3_000;

export function addHealth(app: App, { service }: Bobbin, stop: AbortSignal): void {
  let asked: { at: number; answer: Promise<boolean> } = { at: -Infinity, answer: Promise.resolve(false) };
  const isReachable = (): Promise<boolean> => {
    const now = performance.now();
    if (now - asked.at > FRESH_MS) asked = { at: now, answer: ask() };
    return asked.answer;
  };
  const ask = async (): Promise<boolean> => {
    try {
      await service.within(() => service.connection.workflowService.getSystemInfo({}), PATIENCE_MS);
      return true;
    } catch {
      return false;
    }
  };
  app.get('/livez', (c) => c.json({ status: 'live' }));
  app.get('/readyz', async (c) => {
    if (stop.aborted) return c.json({ status: 'stopping' }, 503);
    return (await isReachable()) ? c.json({ status: 'ready' }) : c.json({ status: 'serviceUnavailable' }, 503);
  });
}
