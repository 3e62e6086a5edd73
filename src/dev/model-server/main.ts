#!/usr/bin/env node
/** Runs the offline model server alone: `node src/dev/model-server/main.ts --port 7300`. */
import { parseArgs } from 'node:util';
import { closeOnSignal } from '../loopback-http.ts';
import { SERVER_NAME } from './answer-text.ts';
import { startModelServer } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'latency-ms': { type: 'string' },
    'verify-url': { type: 'string' },
    'require-assertion': { type: 'boolean' },
    'no-compaction': { type: 'boolean' },
  },
});
const verifyUrl = values['verify-url'];
try {
  const server = await startModelServer({
    port: Number(values.port ?? 0),
    latencyMs: Number(values['latency-ms'] ?? 0),
    compaction: values['no-compaction'] !== true,
    requireAssertion: values['require-assertion'] ?? false,
    ...(verifyUrl === undefined ? {} : { verifyUrl }),
  });
  closeOnSignal(() => server.close());
  console.log(`${SERVER_NAME}: ${server.url}/v1`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
