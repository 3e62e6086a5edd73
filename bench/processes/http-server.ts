/** The HTTP server of `bobbin serve` in a separate process, with one token. */
import { connectBobbin } from '../../src/client/index.ts';
import { startHttpServer } from '../../src/interfaces/http/server.ts';
import { readServeSettings } from '../../src/interfaces/http/settings.ts';
import { openTokens } from '../../src/interfaces/http/tokens.ts';

export interface HttpServerReady {
  url: string;
  secret: string;
}

const { env } = process;
const bobbin = await connectBobbin({
  connection: { address: env['TEMPORAL_ADDRESS'] ?? '' },
  namespace: env['TEMPORAL_NAMESPACE'] ?? 'default',
  taskQueue: env['BOBBIN_TASK_QUEUE'] ?? '',
});
const secret = (await openTokens(env['BOBBIN_DATA_DIR'] ?? '').first()) ?? '';
const settings = readServeSettings({ BOBBIN_HTTP_LISTEN: '127.0.0.1:0', BOBBIN_HTTP_RATE: '1000000' });
const server = await startHttpServer(bobbin, openTokens(env['BOBBIN_DATA_DIR'] ?? ''), settings, (error) =>
  console.error(error),
);
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
process.send?.({ type: 'ready', url: server.url, secret } satisfies HttpServerReady & { type: string });
