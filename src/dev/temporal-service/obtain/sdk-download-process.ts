/**
 * A separate process that lets the Temporal SDK download its development server into the folder given as the first
 * argument. The SDK has no way to stop a download or to bound it; ending this process does both. The SDK downloads only
 * in order to start the server, so it is started, in memory, and stopped again.
 */
import { createRequire } from 'node:module';
import { DefaultLogger, Runtime } from '@temporalio/worker';

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

async function download(directory: string): Promise<void> {
  const { version } = createRequire(import.meta.url)('@temporalio/worker/package.json') as { version: string };
  const runtime = Runtime.install({ logger: new DefaultLogger('ERROR') });
  const server = await runtime.createEphemeralServer({
    type: 'dev-server',
    exe: {
      type: 'cached-download',
      downloadDir: directory,
      version: 'default',
      ttl: YEAR_MS,
      sdkName: 'sdk-typescript',
      sdkVersion: version,
    },
    namespace: 'default',
    ip: '127.0.0.1',
    port: null,
    ui: false,
    uiPort: null,
    dbFilename: null,
    log: { format: 'pretty', level: 'error' },
    extraArgs: [],
  });
  await runtime.shutdownEphemeralServer(server);
}

/** The SDK repeats itself along the chain of causes. */
function toLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return [...new Set(text.replace(/\?[\w=&.-]+/g, '').split(': '))].join(': ');
}

const directory = process.argv[2];
if (directory === undefined) throw new Error('The folder to download into is missing.');
try {
  await download(directory);
} catch (error) {
  process.stderr.write(`${toLine(error)}\n`);
  process.exitCode = 1;
}
